/** How sources look to the page. */
import { METRICS } from '../../wire/metrics.ts';
import type { Sample } from '../../wire/records/sample.ts';
import { WIRE_VERSION } from '../../wire/version.ts';
import type { Source } from '../ingest/source.ts';
import type { MetricValues, ServerState, ServerSummary } from './contract.ts';

/** A server heard within this time is up. */
export const upMs = 2 * 60 * 1000;

export function valuesOrNull(values: readonly number[]): MetricValues {
  return values.map((value) => (Number.isNaN(value) ? null : value));
}

export function summaryOf(source: Source, nowMs: number): ServerSummary {
  return {
    id: source.sourceNo,
    server_id: source.serverId,
    state: stateOf(source, nowMs),
    skewed: source.skewed,
    clock_offset_ms: source.clockOffsetMs,
    replayed: source.replayed,
    last_seen_ms: source.lastSeenMs,
    ts: Number.isFinite(source.newestMs) ? source.newestMs : 0,
    values: valuesOrNull(source.values),
  };
}

export function stateOf(source: Source, nowMs: number): ServerState {
  if (source.off || source.closed) return 'off';
  return nowMs - source.lastSeenMs <= upMs ? 'up' : 'silent';
}

export interface SampleParts {
  readonly serverId: string;
  readonly tsMs: number;
  readonly bootId: string;
  readonly seq: number;
  readonly values: readonly (number | null)[];
  /** JSON as the store keeps it. */
  readonly detail: string | undefined;
}

/** Puts a sample together again from its columns and its detail. */
export function composeSample(parts: SampleParts): Sample {
  const metrics: Record<string, number> = {};
  METRICS.forEach((metric, i) => {
    const value = parts.values[i];
    if (value !== null && value !== undefined && !Number.isNaN(value)) metrics[metric] = value;
  });
  const rest = parts.detail === undefined ? {} : (JSON.parse(parts.detail) as Partial<Sample>);
  return {
    v: WIRE_VERSION,
    server_id: parts.serverId,
    ts: parts.tsMs,
    boot_id: parts.bootId,
    seq: parts.seq,
    ...metrics,
    ...rest,
  };
}
