/** Which dates the times of day of a file get, and what the file is called with them. Pure. */
import { createHash } from 'node:crypto';
import { WindrowError } from '../../runtime/errors.ts';
import { dayMs, nearestDate } from '../../wire/compat/time-of-day.ts';
import { timestampMsMax } from '../../wire/limits.ts';

export function midnightBefore(timeMs: number): number {
  return Math.floor(timeMs / dayMs) * dayMs;
}

/** `YYYY-MM-DD`, UTC. */
export function dayText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** Midnight (UTC) of what `--day` was given. @throws WindrowError `usage` */
export function dayGiven(text: string): number {
  const midnightMs = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  const isTaken = midnightMs >= 0 && midnightMs < timestampMsMax;
  // 30 February would silently become another day.
  if (isTaken && dayText(midnightMs) === text) return midnightMs;
  throw new WindrowError('usage', `--day: ${text} is no date from 1970 to 2099`, {
    hint: 'Give the date of the first row (UTC) as YYYY-MM-DD.',
  });
}

/** @param originMs the earliest time, as if the first one were of this day; @returns the day that brings it nearest to now */
export function nearestDay(firstDayMs: number, originMs: number, nowMs: number): number {
  return firstDayMs + nearestDate(originMs, nowMs) - originMs;
}

/**
 * The day with which what is known to begin at `knownMs` begins there again. Where a row with a date
 * of its own is the earliest there, no other may come before it.
 */
export function dayAsKnown(firstDayMs: number, originMs: number, knownMs: number): number {
  return firstDayMs + Math.ceil((knownMs - originMs) / dayMs) * dayMs;
}

/**
 * Where nobody can be asked for the date that a file got before, that date is a part of its name: of
 * one name with two origins collectors take one alone. The same as
 * `printf '%s %s' SHA256 YYYY-MM-DD | sha256sum`.
 */
export function datedSourceId(sha256: string, firstDayMs: number): string {
  return createHash('sha256')
    .update(`${sha256} ${dayText(firstDayMs)}`)
    .digest('hex');
}
