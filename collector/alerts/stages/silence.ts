/**
 * Silences: when, for which rules and on which servers nobody is notified. The alert itself goes
 * on and is shown. Pure: the caller gives the moment, and local time comes from it alone.
 */
import { z } from 'zod';
import type { AlertNotice } from '../alert.ts';

/** Silences of one file. */
const silencesMax = 200;
/** Patterns of one silence. */
const patternsMax = 100;
const dayMinutes = 24 * 60;

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** A name in which `*` stands for any characters; nothing else is special. */
const pattern = z
  .string()
  .regex(/^[^\s]{1,128}$/, 'must be a name, in which * stands for any characters');

const patterns = z.array(pattern).min(1).max(patternsMax).optional();

const moment = z.string().transform((text, context) => {
  const ms = Date.parse(text);
  if (Number.isFinite(ms)) return ms;
  context.addIssue('must be a time such as 2026-08-01T18:00:00Z');
  return z.NEVER;
});

/** `18:00-07:00`: from the first minute up to the second, over midnight when it is the later one. */
const daily = z.string().transform((text, context) => {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  const [fromMinute, untilMinute] = match === null ? [0, 0] : minutesOf(match);
  if (fromMinute !== untilMinute) return { fromMinute, untilMinute };
  context.addIssue('must be two different times of day such as 18:00-07:00');
  return z.NEVER;
});

function minutesOf([, ...parts]: RegExpExecArray): [number, number] {
  const [fromHour = 0, fromMinute = 0, untilHour = 0, untilMinute = 0] = parts.map(Number);
  return [fromHour * 60 + fromMinute, untilHour * 60 + untilMinute];
}

const silence = z
  .strictObject({
    about: z.string().min(1).max(200).describe('Why, for whoever reads the file.'),
    rules: patterns.describe('Names with *; every rule by default.'),
    servers: patterns.describe('Names with *; every server and the fleet by default.'),
    from: moment.optional().describe('A time such as 2026-08-01T18:00:00Z.'),
    until: moment.optional().describe('A time, not included.'),
    daily: daily
      .optional()
      .describe('Times of day of this machine: 18:00-07:00 is from evening to morning.'),
    days: z
      .array(z.enum(WEEKDAYS))
      .min(1)
      .optional()
      .describe('Weekdays of this machine; a night belongs to the day on which it began.'),
  })
  .refine(({ from, until }) => from === undefined || until === undefined || from < until, {
    path: ['until'],
    message: 'must be later than from',
  });

export const silencesSchema = z.array(silence).max(silencesMax);

/** Times in ms since the epoch; `daily` and `days` are of this machine's time zone. */
export type Silence = z.output<typeof silence>;

/** The silence under which nobody is told of this notice, or undefined. */
export function silenceOf(
  silences: readonly Silence[],
  notice: Pick<AlertNotice, 'rule' | 'server'>,
  atMs: number,
): Silence | undefined {
  return silences.find(
    (silence) =>
      matches(silence.rules, notice.rule) &&
      matches(silence.servers, notice.server) &&
      isActive(silence, atMs),
  );
}

/** No list is every name. */
function matches(patterns: readonly string[] | undefined, name: string): boolean {
  return patterns === undefined || patterns.some((pattern) => matchesPattern(pattern, name));
}

/** Piece by piece, not by a regular expression: many stars must not make it slow. */
function matchesPattern(pattern: string, name: string): boolean {
  const pieces = pattern.split('*');
  const [first = '', ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

function isActive({ from, until, daily, days }: Silence, atMs: number): boolean {
  if (from !== undefined && atMs < from) return false;
  if (until !== undefined && atMs >= until) return false;
  const local = new Date(atMs);
  const minute = local.getHours() * 60 + local.getMinutes();
  const overMidnight = daily !== undefined && daily.fromMinute > daily.untilMinute;
  // What began last evening belongs to that day: `fri 18:00-07:00` holds until Saturday morning.
  const begunYesterday = overMidnight && minute < daily.untilMinute;
  if (daily !== undefined && !withinDaily(daily, minute)) return false;
  const weekday = WEEKDAYS[(local.getDay() + (begunYesterday ? 6 : 0)) % 7];
  return days === undefined || (weekday !== undefined && days.includes(weekday));
}

function withinDaily(daily: NonNullable<Silence['daily']>, minute: number): boolean {
  const lengthMinutes = (daily.untilMinute - daily.fromMinute + dayMinutes) % dayMinutes;
  return (minute - daily.fromMinute + dayMinutes) % dayMinutes < lengthMinutes;
}
