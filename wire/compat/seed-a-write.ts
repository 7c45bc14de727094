/**
 * A sample of ours as the server-metrics system's records, for its consumers:
 *
 *   topic-cpu  {"timestamp":"HH:MM:SS","original_ts":"HH:MM:SS","server_id":…,"cpu_pct":n}
 *
 * and so on, the time of sending first and then the event's, both UTC. A topic whose metrics were
 * not measured gets no record. The agent writes these while it runs, so this loads no schema.
 */
import type { RawRecord } from '../records/record.ts';
import { SEED_A_FORMATS } from './seed-a-format.ts';
import { formatTimeOfDay } from './time-of-day.ts';

/** None where the value is no sample. */
export function seedARecords(value: unknown, sentMs: number): RawRecord[] {
  if (typeof value !== 'object' || value === null) return [];
  const sample = value as Readonly<Record<string, unknown>>;
  const { server_id: serverId, ts } = sample;
  if (typeof serverId !== 'string' || typeof ts !== 'number') return [];
  const common = {
    timestamp: formatTimeOfDay(sentMs),
    original_ts: formatTimeOfDay(ts),
    server_id: serverId,
  };
  return SEED_A_FORMATS.flatMap(({ topic, metrics }) => {
    const values = metrics.map((metric) => [metric, sample[metric]] as const);
    if (!values.every(([, measured]) => typeof measured === 'number')) return [];
    const record = { ...common, ...Object.fromEntries(values) };
    return [{ topic, key: serverId, value: record, timeMs: sentMs }];
  });
}
