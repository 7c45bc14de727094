/**
 * Samples of nothing but identity and metrics, checked by hand: they come by the hundred thousand a
 * second, and the schema's checks of one cost as much as all else that is done with it. Whatever is
 * not plainly right goes to the schema, which also says what is wrong.
 */
import { bootIdCharsMax, metricAbsMax, serverIdCharsMax, timestampMsMax } from '../limits.ts';
import { METRICS } from '../metrics.ts';
import { WIRE_VERSION } from '../version.ts';
import { bootIdPattern, visiblePattern } from './fields.ts';
import type { Sample } from './sample.ts';

/** A sample's identity and metrics: the store keeps them in columns of their own. */
export const PLAIN_FIELDS: ReadonlySet<string> = new Set<keyof Sample>([
  'v',
  'server_id',
  'ts',
  'boot_id',
  'seq',
  'origin_ms',
  ...METRICS,
]);

/** Never true of what `sampleSchema` refuses, or would change. */
export function isPlainSample(value: unknown): value is Sample {
  if (typeof value !== 'object' || value === null) return false;
  for (const field in value) if (!PLAIN_FIELDS.has(field)) return false;
  const sample = value as Readonly<Record<string, unknown>>;
  const { v, server_id: server, boot_id: boot, ts, seq, origin_ms: originMs } = sample;
  return (
    isOwnVersion(v) &&
    isServerId(server) &&
    isBootId(boot) &&
    isTimestamp(ts) &&
    isSeq(seq) &&
    (originMs === undefined || isTimestamp(originMs)) &&
    METRICS.every((metric) => sample[metric] === undefined || isMeasured(sample[metric]))
  );
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
