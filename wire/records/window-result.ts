/**
 * A window of one server, as the collector that made it tells the others: one record on
 * `window-results`, which is compacted, so that the newest of each key stays.
 *
 * The key is the server's name; of a replayed file's server a tab and the file's SHA-256 follow, so
 * that its windows never displace those of the live server. No name holds a tab.
 *
 * `closed_through_ms` claims no more than what this record and those of its key before it hold:
 * whoever takes the server over makes every later window, and none of the earlier ones again.
 */
import { z } from 'zod';
import {
  metricAbsMax,
  ownerUrlCharsMax,
  partitionsMax,
  timestampMsMax,
  windowMsMax,
  windowResultBytesMax,
} from '../limits.ts';
import { METRICS, type MetricName } from '../metrics.ts';
import { WIRE_VERSION } from '../version.ts';
import { bootId, measured, name, plainUrl, serverId, timestampMs } from './fields.ts';
import { explain, parseJson } from './json.ts';
import { isPlainResult } from './plain-result.ts';
import { SERVER_STATES } from './server-states.ts';

export const WINDOW_RESULTS_TOPIC = 'window-results';

/** A window may begin before its source's first event. */
const windowTimeMs = z.number().int().min(-windowMsMax).max(timestampMsMax);
const count = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const quantile = measured.nullable();

const figures = z
  .object({
    count,
    /** Of so many values within the bound that it may lie far beyond it. */
    sum: z.number(),
    min: measured,
    max: measured,
    avg: measured,
    last: measured,
    /** Null where a pane got more rows than are kept. */
    p50: quantile,
    p95: quantile,
    p99: quantile,
  })
  .refine(({ min, max }) => min <= max, 'min is above max');

const metrics = z.object(
  Object.fromEntries(METRICS.map((metric) => [metric, figures.optional()])) as Record<
    MetricName,
    z.ZodOptional<typeof figures>
  >,
);

const owner = z.object({
  /** The member of the group. */
  id: name.min(1),
  /** Of its process: random at each start. */
  run: bootId,
  /** Where its page is. */
  url: plainUrl(ownerUrlCharsMax),
  /** Its own number of the source, as its page's address has it. */
  server_no: count,
});

export const windowResultSchema = z
  .object({
    v: z.literal(WIRE_VERSION),
    server_id: serverId,
    /** SHA-256 of the replayed file; absent for a live server. */
    source: bootId.optional(),
    /** To which windows align: 0 for a live server, else the file's earliest event. */
    origin_ms: timestampMs,
    start_ms: windowTimeMs,
    end_ms: windowTimeMs,
    samples: count,
    final: z.boolean(),
    incomplete: z.boolean(),
    warm_up: z.boolean(),
    /** The server's clock was off when the window was made. */
    skewed: z.boolean(),
    metrics,
    /** All windows that end here or before are final; null before the first. */
    closed_through_ms: windowTimeMs.nullable(),
    /** Start of the first pane; null until the first window is final. */
    first_pane_ms: windowTimeMs.nullable(),
    /** Windows that begin before this may lack samples that the log has lost; absent: none does. */
    lacks_before_ms: windowTimeMs.optional(),
    /** Of the server when this was published. A replay that has ended is `off`. */
    state: z.enum(SERVER_STATES),
    /** The server's clock minus the collector's; null where its format does not tell. */
    clock_offset_ms: z.number().min(-metricAbsMax).max(metricAbsMax).nullable(),
    last_seen_ms: timestampMs,
    /** Partition of the samples' topics that its records come in; null where they come in several. */
    slot: z.number().int().min(0).max(partitionsMax).nullable(),
    owner,
  })
  .refine(
    ({ start_ms, end_ms }) => end_ms > start_ms && end_ms - start_ms <= windowMsMax,
    `a window has a length of at most ${windowMsMax} ms`,
  )
  .refine(
    ({ final, end_ms, closed_through_ms }) =>
      !final || (closed_through_ms !== null && closed_through_ms >= end_ms),
    'a final window ends at closed_through_ms or before',
  );

export type WindowResult = z.infer<typeof windowResultSchema>;
export type WindowFigures = z.infer<typeof figures>;

/** Whose record it is: `replayId` is '' for a live server. */
export interface ResultKey {
  readonly serverId: string;
  readonly replayId: string;
}

const separator = '\t';

export function resultKeyText({ serverId: id, replayId }: ResultKey): string {
  return replayId === '' ? id : `${id}${separator}${replayId}`;
}

export function keyOfResult({ server_id, source = '' }: WindowResult): ResultKey {
  return { serverId: server_id, replayId: source };
}

export type DecodedResult =
  | { readonly kind: 'window'; readonly key: ResultKey; readonly result: WindowResult }
  /** Nothing is kept of that source any longer. */
  | { readonly kind: 'gone'; readonly key: ResultKey }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Never throws. */
export function decodeWindowResult(record: {
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
}): DecodedResult {
  const { key, value } = record;
  if (key === undefined || key.length === 0) return malformed('the key is empty');
  if (value === undefined) return decodeGone(key.toString());
  if (value.length > windowResultBytesMax) {
    return malformed(`longer than ${windowResultBytesMax} bytes`);
  }
  const json = parseJson(value.toString());
  const result = isPlainResult(json) ? (json as WindowResult) : checked(json);
  if (typeof result === 'string') return malformed(result);
  const own = keyOfResult(result);
  if (key.toString() !== resultKeyText(own)) return malformed('the key is not the server’s');
  return { kind: 'window', key: own, result };
}

/** The result, or what is wrong with it. */
function checked(json: unknown): WindowResult | string {
  const parsed = windowResultSchema.safeParse(json);
  return parsed.success ? parsed.data : explain(parsed.error);
}

function decodeGone(key: string): DecodedResult {
  const [id = '', replayId = '', ...more] = key.split(separator);
  const isKey = serverId.safeParse(id).success && more.length === 0;
  const isReplay = replayId === '' || bootId.safeParse(replayId).success;
  if (!isKey || !isReplay) return malformed('the key is no server’s');
  return { kind: 'gone', key: { serverId: id, replayId } };
}

function malformed(reason: string): DecodedResult {
  return { kind: 'malformed', reason: `window result: ${reason}` };
}
