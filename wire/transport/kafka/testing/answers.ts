/** What brokers answer to a fetch, for the tests. */
import { loadLibrary } from '../client.ts';
import { batchesIn, type FetchAnswer, type FetchedBatch } from '../fetch-answer.ts';

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

const library = await loadLibrary();

/** As a producer makes it, and a broker gives it. */
export function batch(given: Given): FetchedBatch {
  const { offset, values, attributes = 0, firstMs = timeMs, maxMs = timeMs } = given;
  const messages = values.map((value) => ({
    topic,
    value: value === null ? undefined : Buffer.from(value),
    timestamp: BigInt(timeMs),
  }));
  const bytes = Buffer.from(library.createRecordsBatch(messages as never, {}).buffer);
  bytes.writeBigInt64BE(BigInt(offset), 0);
  bytes.writeInt32BE(given.leaderEpoch ?? 0, 12);
  bytes.writeInt16BE(attributes, 21);
  bytes.writeInt32BE(given.lastDelta ?? values.length - 1, 23);
  bytes.writeBigInt64BE(BigInt(firstMs), 27);
  bytes.writeBigInt64BE(BigInt(maxMs), 35);
  const [only] = batchesIn(bytes);
  if (only === undefined) throw new Error('the library made no batch');
  return only;
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
