/** Decoders of windrow's own topics. */
import { METRICS } from '../metrics.ts';
import type { Decoded, Decoder } from './decoded.ts';
import { inventorySchema } from './inventory.ts';
import { malformed } from './malformed.ts';
import { PlainSample } from './plain-bytes.ts';
import { isPlainSample, PLAIN_FIELDS } from './plain-sample.ts';
import { type Sample, sampleSchema } from './sample.ts';
import { signalSchema } from './signal.ts';

/** `windrow-samples`: samples and signals. */
export const decodeOwn: Decoder = ({ value }) => {
  if (value instanceof PlainSample) return value;
  if (typeof value === 'object' && value !== null && 'kind' in value) return decodeSignal(value);
  if (isPlainSample(value)) return toDecoded(value, undefined);
  const parsed = sampleSchema.safeParse(value);
  return parsed.success
    ? toDecoded(parsed.data, detailOf(parsed.data))
    : malformed('sample', parsed.error);
};

/** `windrow-inventory`. */
export const decodeInventory: Decoder = ({ value }) => {
  const parsed = inventorySchema.safeParse(value);
  return parsed.success
    ? { kind: 'inventory', inventory: parsed.data }
    : malformed('inventory', parsed.error);
};

function decodeSignal(value: object): Decoded {
  const parsed = signalSchema.safeParse(value);
  if (!parsed.success) return malformed('signal', parsed.error);
  const signal = parsed.data;
  return signal.kind === 'goodbye'
    ? { kind: 'goodbye', serverId: signal.server_id, bootId: signal.boot_id }
    : { kind: 'end', sourceId: signal.boot_id, originMs: signal.origin_ms };
}

function toDecoded(sample: Sample, detail: string | undefined): Decoded {
  return {
    kind: 'sample',
    serverId: sample.server_id,
    tsMs: sample.ts,
    identity: { bootId: sample.boot_id, seq: sample.seq },
    originMs: sample.origin_ms,
    values: METRICS.map((metric) => sample[metric] ?? Number.NaN),
    lane: 0,
    detail,
    processes: sample.processes,
  };
}

function detailOf(sample: Sample): string | undefined {
  const rest: Record<string, unknown> = {};
  let any = false;
  for (const key in sample) {
    if (PLAIN_FIELDS.has(key)) continue;
    rest[key] = sample[key as keyof Sample];
    any = true;
  }
  return any ? JSON.stringify(rest) : undefined;
}
