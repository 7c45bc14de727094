/** Numbers for people. Every function takes null for "unavailable" and answers "–", never 0. */

export const ABSENT = '–';

type Value = number | null | undefined;

const isNumber = (value: Value): value is number =>
  typeof value === 'number' && Number.isFinite(value);

/** Three digits that matter, so that a column of them keeps its width: 1.23, 12.3, 123. */
function threeDigits(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let index = 0;
  let rest = value;
  // 999.5 would print as 1000: it is already one of the next unit.
  while (rest >= base * 0.9995 && index < units.length - 1) {
    rest /= base;
    index += 1;
  }
  const digits = index === 0 ? rest.toFixed(0) : threeDigits(rest);
  return `${digits} ${units[index] ?? ''}`;
}

const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
const rateUnits = ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s', 'PB/s', 'EB/s'];

/** Memory and file systems, in powers of 1,024 as the tools on the machine itself show them. */
export function bytes(value: Value): string {
  return isNumber(value) ? scaled(value, 1024, binaryUnits) : ABSENT;
}

/** Bytes a second, in powers of 1,000 as network and disk speeds are sold. */
export function rate(value: Value): string {
  return isNumber(value) ? scaled(value, 1000, rateUnits) : ABSENT;
}

/** A rate on an axis, where `2.50` would be `2.5` and `1.00` just `1`. */
export function shortRate(value: Value): string {
  return rate(value)
    .replace(/(\.\d*?)0+ /, '$1 ')
    .replace('. ', ' ');
}

/** One decimal: `34.2%`. */
export function percent(value: Value): string {
  return isNumber(value) ? `${value.toFixed(1)}%` : ABSENT;
}

export function decimal(value: Value): string {
  return isNumber(value) ? value.toFixed(2) : ABSENT;
}

const minuteS = 60;
const hourS = 60 * minuteS;
const dayS = 24 * hourS;

/** The two largest units: `3 d 4 h`, `12 min`, `40 s`. */
export function duration(seconds: Value): string {
  if (!isNumber(seconds)) return ABSENT;
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < minuteS) return `${whole} s`;
  if (whole < hourS) return `${Math.floor(whole / minuteS)} min`;
  if (whole < dayS) return pair(whole, hourS, 'h', minuteS, 'min');
  return pair(whole, dayS, 'd', hourS, 'h');
}

function pair(whole: number, big: number, bigName: string, small: number, name: string): string {
  const rest = Math.floor((whole % big) / small);
  const head = `${Math.floor(whole / big)} ${bigName}`;
  return rest === 0 ? head : `${head} ${rest} ${name}`;
}

/** How long ago: `now` inside `freshMs`, so that a healthy row does not flicker with every tick. */
export function ago(ms: number, freshMs = 5_000): string {
  return ms < freshMs ? 'now' : `${duration(ms / 1000)} ago`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** The viewer's own wall clock: `14:03:09`. */
export function clockTime(ms: number, seconds = true): string {
  const date = new Date(ms);
  const head = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return seconds ? `${head}:${two(date.getSeconds())}` : head;
}

/** The time of day, with the date before it when that is not the day of `nowMs`. */
export function moment(ms: number, nowMs: number, seconds = true): string {
  const date = new Date(ms);
  const time = clockTime(ms, seconds);
  if (date.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}
