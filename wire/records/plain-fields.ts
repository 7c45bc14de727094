/** Fields of records that come in great numbers, checked by hand: never true of what the schema refuses, or would change. */
import { bootIdCharsMax, metricAbsMax, serverIdCharsMax, timestampMsMax } from '../limits.ts';
import { WIRE_VERSION } from '../version.ts';
import { bootIdPattern, visiblePattern } from './fields.ts';

export type Check = (value: unknown) => boolean;
/** By field. */
export type Checks = ReadonlyMap<string, Check>;
export type Fields = Readonly<Record<string, unknown>>;

export function checks(byField: Readonly<Record<string, Check>>): Checks {
  return new Map(Object.entries(byField));
}

export const NONE = checks({});

/** Whether it has all fields that are required, and no others than these and the optional ones. */
export function areRight(value: unknown, required: Checks, optional: Checks = NONE): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const fields = value as Fields;
  let found = 0;
  for (const field in fields) {
    const check = required.get(field);
    if (check !== undefined) found += 1;
    if ((check ?? optional.get(field))?.(fields[field]) !== true) return false;
  }
  return found === required.size;
}

export function isOwnVersion(value: unknown): boolean {
  return value === WIRE_VERSION;
}

export function isServerId(value: unknown): boolean {
  return isText(value, serverIdCharsMax, visiblePattern) && /\S/.test(value);
}

export function isBootId(value: unknown): boolean {
  return isText(value, bootIdCharsMax, bootIdPattern);
}

export function isTimestamp(value: unknown): boolean {
  return isWhole(value, timestampMsMax);
}

export function isSeq(value: unknown): boolean {
  return isWhole(value, Number.MAX_SAFE_INTEGER);
}

export function isMeasured(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= metricAbsMax;
}

function isText(value: unknown, charsMax: number, pattern: RegExp): value is string {
  return typeof value === 'string' && value.length <= charsMax && pattern.test(value);
}

function isWhole(value: unknown, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
}
