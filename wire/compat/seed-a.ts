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
import { isMeasured, isServerId } from '../records/plain-fields.ts';
import { SEED_A_FORMATS, SEED_A_TOPICS } from './seed-a-format.ts';
import { nearestDate, parseTimeOfDay } from './time-of-day.ts';

/** `HH:MM:SS`. */
const timeOfDayChars = 8;
const common = { original_ts: z.string().max(timeOfDayChars), server_id: serverId };

const TOPICS = SEED_A_FORMATS.map(({ topic, metrics }) => ({
  topic,
  metrics: metrics as readonly MetricName[],
  schema: z.object({ ...common, ...measuredAll(metrics) }),
}));
const noValues: readonly number[] = METRICS.map(() => Number.NaN);

type Fields = Readonly<Record<string, unknown>> & {
  readonly original_ts: string;
  readonly server_id: string;
};

export const decodeSeedA: Decoder = ({ topic, value, timeMs }, receivedMs) => {
  const lane = topic === undefined ? laneByShape(value) : SEED_A_TOPICS.indexOf(topic);
  const format = TOPICS[lane];
  if (format === undefined) return { kind: 'malformed', reason: `no format of topic ${topic}` };
  if (!isPlain(value, format.metrics)) {
    const parsed = format.schema.safeParse(value);
    if (!parsed.success) return malformed(format.topic, parsed.error);
  }
  // The schema changes nothing, and what it does not know is not looked at.
  const fields = value as Fields;
  const timeOfDayMs = parseTimeOfDay(fields.original_ts);
  if (timeOfDayMs === undefined) {
    return { kind: 'malformed', reason: `${format.topic} original_ts: must be HH:MM:SS` };
  }
  const values = noValues.slice();
  for (const metric of format.metrics) values[METRICS.indexOf(metric)] = Number(fields[metric]);
  return {
    kind: 'sample',
    serverId: fields.server_id,
    tsMs: nearestDate(timeOfDayMs, timeMs ?? receivedMs),
    values,
    lane,
    datedHere: true,
  };
};

/** By hand: four of these come for each sample, and the schema's checks cost more than all else. Never true of what it refuses. */
function isPlain(value: unknown, metrics: readonly MetricName[]): boolean {
  const fields = value as Fields;
  return (
    typeof fields.original_ts === 'string' &&
    fields.original_ts.length === timeOfDayChars &&
    isServerId(fields.server_id) &&
    metrics.every((metric) => isMeasured(fields[metric]))
  );
}

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
