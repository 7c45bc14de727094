/** The time column of a SEEDS A file, in any of the forms that people have. */
import { timestampMsMax } from '../limits.ts';
import { dayMs, parseTimeOfDay } from './time-of-day.ts';

/** A number from here on is milliseconds (1973), below it seconds (until the year 5138). */
const epochMsMin = 1e11;

const isoPattern =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d))$/;

/**
 * Turns one row's text after the other into event times (ms since the epoch, UTC).
 *
 * - `HH:MM:SS` gets the date nearest to the row before, so a drop of more than 12 h is the next
 *   midnight, and rows that are a little out of order around midnight stay where they belong;
 * - a number is milliseconds since the epoch, or seconds when it is below 10¹¹;
 * - ISO 8601 with a zone.
 */
export class EventTimes {
  #previousMs: number | undefined;
  #isFromFirstDay = false;
  readonly #firstDayMs: number;

  /** `firstDayMs`: midnight (UTC) of the day that the first row gets, when it has no date. */
  constructor(firstDayMs: number) {
    this.#firstDayMs = firstDayMs;
  }

  /** Undefined when the text is no time, or one before 1970 or after 2099. */
  read(text: string): number | undefined {
    const timeOfDayMs = parseTimeOfDay(text);
    const tsMs =
      timeOfDayMs === undefined ? (epochNumber(text) ?? isoTime(text)) : this.#date(timeOfDayMs);
    if (tsMs === undefined || tsMs < 0 || tsMs > timestampMsMax) return undefined;
    const isFirst = this.#previousMs === undefined;
    this.#isFromFirstDay = timeOfDayMs !== undefined && (isFirst || this.#isFromFirstDay);
    this.#previousMs = tsMs;
    return tsMs;
  }

  /** Whether the date of what was read last comes from `firstDayMs`: neither it nor one before has its own. */
  get isFromFirstDay(): boolean {
    return this.#isFromFirstDay;
  }

  #date(timeOfDayMs: number): number {
    if (this.#previousMs === undefined) return this.#firstDayMs + timeOfDayMs;
    const sameDayMs = Math.floor(this.#previousMs / dayMs) * dayMs + timeOfDayMs;
    const riseMs = sameDayMs - this.#previousMs;
    if (riseMs < -dayMs / 2) return sameDayMs + dayMs;
    return riseMs > dayMs / 2 ? sameDayMs - dayMs : sameDayMs;
  }
}

function epochNumber(text: string): number | undefined {
  if (!/^\d+(?:\.\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Math.round(value < epochMsMin ? value * 1000 : value);
}

function isoTime(text: string): number | undefined {
  const match = isoPattern.exec(text);
  if (!match) return undefined;
  const part = (index: number): number => Number(match[index] ?? 0);
  if (part(4) > 23 || part(5) > 59 || part(6) > 59 || part(9) > 23 || part(10) > 59) {
    return undefined;
  }
  const date = new Date(0);
  date.setUTCFullYear(part(1), part(2) - 1, part(3));
  // A date that does not exist (30 February) would silently become another.
  if (date.getUTCMonth() !== part(2) - 1 || date.getUTCDate() !== part(3)) return undefined;
  const timeMs = ((part(4) * 60 + part(5)) * 60 + part(6)) * 1000;
  const zoneMs = (part(9) * 60 + part(10)) * 60_000 * (match[8] === '-' ? -1 : 1);
  return date.getTime() + timeMs + Math.floor(Number(`0.${match[7] ?? '0'}`) * 1000) - zoneMs;
}
