/**
 * The server-metrics system's four topics: one record for each metric and moment.
 *
 *   topic-cpu  {"timestamp":"HH:MM:SS","original_ts":"HH:MM:SS","server_id":…,"cpu_pct":n}
 *   topic-mem  … mem_pct      topic-net  … net_in, net_out      topic-disk … disk_io
 *
 * `original_ts` is event time without a date: it gets the date nearest to the time of sending.
 */
import { z } from 'zod';
import { type MetricName, METRICS } from '../metrics.ts';
import { measured, serverId } from '../records/fields.ts';
import type { Decoder } from '../records/decoded.ts';
import { malformed } from '../records/malformed.ts';
import { SEED_A_FORMATS, SEED_A_TOPICS } from './seed-a-format.ts';
import { nearestDate, parseTimeOfDay } from './time-of-day.ts';

const common = { original_ts: z.string().max(8), server_id: serverId };

const TOPICS = SEED_A_FORMATS.map(({ topic, metrics }) => ({
  topic,
  schema: z.object({ ...common, ...measuredAll(metrics) }),
}));

export const decodeSeedA: Decoder = ({ topic, value, timeMs }, receivedMs) => {
  const lane = topic === undefined ? laneByShape(value) : SEED_A_TOPICS.indexOf(topic);
  const format = TOPICS[lane];
  if (format === undefined) return { kind: 'malformed', reason: `no format of topic ${topic}` };
  const parsed = format.schema.safeParse(value);
  if (!parsed.success) return malformed(format.topic, parsed.error);
  const timeOfDayMs = parseTimeOfDay(parsed.data.original_ts);
  if (timeOfDayMs === undefined) {
    return { kind: 'malformed', reason: `${format.topic} original_ts: must be HH:MM:SS` };
  }
  const fields: Readonly<Record<string, unknown>> = parsed.data;
  return {
    kind: 'sample',
    serverId: parsed.data.server_id,
    tsMs: nearestDate(timeOfDayMs, timeMs ?? receivedMs),
    values: METRICS.map((metric) => Number(fields[metric] ?? Number.NaN)),
    lane,
    datedHere: true,
  };
};

/** Whether a value without topic has this system's shape. */
export function looksLikeSeedA(value: object): boolean {
  return 'original_ts' in value;
}

function laneByShape(value: unknown): number {
  return TOPICS.findIndex(({ schema }) => schema.safeParse(value).success);
}

/** Which of the metrics these are is found again by name. */
function measuredAll(names: readonly string[]): Partial<Record<MetricName, typeof measured>> {
  return Object.fromEntries(names.map((name) => [name, measured]));
}
