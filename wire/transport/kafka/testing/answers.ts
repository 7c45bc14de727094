/** What brokers answer to a fetch, for the tests. */
import type { FetchAnswer, FetchedBatch } from '../fetch-answer.ts';

export const topic = 't';
export const timeMs = 1_000;
/** What a test does not look at. */
export const ignoring = {
  topicIds: new Map([[topic, 'id']]),
  onAnswer: () => {},
  onTrouble: async () => {},
  onGap: () => {},
  onVoid: () => {},
  reached: () => {},
};

export interface Given {
  readonly offset: number;
  readonly values: readonly (string | null)[];
  readonly attributes?: number;
  readonly firstMs?: number;
  readonly maxMs?: number;
  /** Of a batch that compaction has thinned out. */
  readonly lastDelta?: number;
  readonly leaderEpoch?: number;
}

export function batch(given: Given): FetchedBatch {
  const { offset, values, attributes = 0, firstMs = timeMs, maxMs = timeMs } = given;
  return {
    firstOffset: BigInt(offset),
    attributes,
    lastOffsetDelta: given.lastDelta ?? values.length - 1,
    leaderEpoch: given.leaderEpoch ?? 0,
    firstTimestampMs: firstMs,
    maxTimestampMs: maxMs,
    unpack: () => ({
      records: values.map((value, delta) => ({
        key: undefined,
        value: value === null ? undefined : Buffer.from(value),
        headers: new Map(),
        offsetDelta: delta,
        timestampDelta: 0,
      })),
      bytes: 0,
    }),
  };
}

/** @param end where the log ends at the broker, which may have more than it gives */
export function answer(batches: readonly FetchedBatch[], end = 0, partitionIndex = 0): FetchAnswer {
  const partitions = [{ partitionIndex, records: batches, highWatermark: BigInt(end) }];
  return { responses: [{ topicId: 'id', partitions }] };
}

/** The log of partition 0 has other records from there on. */
export function diverging(at: number): FetchAnswer {
  const divergesAt = BigInt(at);
  const partitions = [{ partitionIndex: 0, records: [], highWatermark: divergesAt, divergesAt }];
  return { responses: [{ topicId: 'id', partitions }] };
}

/** As the library makes of a code that a broker gives. */
function errorOf(apiId: string): Error {
  return Object.assign(new Error(apiId), { apiId });
}

/** The broker gives nothing of these partitions, and why. */
export function refusal(errors: Readonly<Record<number, string>>): FetchAnswer {
  const partitions = Object.entries(errors).map(([index, reason]) => ({
    partitionIndex: Number(index),
    error: errorOf(reason),
    highWatermark: -1n,
    records: [],
  }));
  return { responses: [{ topicId: 'id', partitions }] };
}
