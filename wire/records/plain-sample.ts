/**
 * Samples of nothing but identity and metrics, checked by hand: they come by the hundred thousand a
 * second, and the schema's checks of one cost as much as all else that is done with it. Whatever is
 * not plainly right goes to the schema, which also says what is wrong.
 */
import { METRICS } from '../metrics.ts';
import {
  isBootId,
  isMeasured,
  isOwnVersion,
  isSeq,
  isServerId,
  isTimestamp,
} from './plain-fields.ts';
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
