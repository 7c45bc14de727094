/**
 * Takes apart what a broker answers to Fetch. The library would do it, but there one batch that it
 * cannot read makes an error of the whole answer, again with each try, and 1 MB of zstd may unpack to
 * gigabytes. Batches stay packed until they are handed over: an answer may hold hundreds of them.
 */
import type { fetchV17, Reader } from '@platformatic/kafka';
import type * as Library from '@platformatic/kafka';
import { release } from '../../../runtime/release.ts';
import type { LogRecord, PartitionOffset } from '../log/port.ts';
import {
  attributesAt,
  firstTimestampAt,
  headBytes,
  lastOffsetDeltaAt,
  leaderEpochAt,
  lengthAt,
  magic,
  magicAt,
  maxTimestampAt,
  recordsCountAt,
  uncountedBytes,
} from './batch-layout.ts';
import { readRecords } from './records.ts';
import { unpack } from './unpack.ts';

/** Records of one batch; each takes some 200 bytes once it is taken apart, and a microsecond of the loop. */
const batchRecordsMax = 100_000;

const knownBytes = magicAt + 1;
const unknownEpoch = -1;
/** In the attributes. */
const codecMask = 0b111;
/** In the attributes: the records have the broker's time. */
const brokersTime = 0b1000;

/** The first version in which topics have ids; later ones only add fields with tags. */
const firstVersion = 13;
const fetchKey = 1;
const divergingEpochTag = 0;
const epochBytes = 4;

export interface FetchedBatch {
  readonly firstOffset: bigint;
  readonly lastOffsetDelta: number;
  /** Which leader wrote it, counted since the topic was made. */
  readonly leaderEpoch: number;
  /** The newest time of its records, ms since the epoch as their sender has it; 0 where that cannot be read. */
  readonly newestMs: number;
  /** As it came, packed. */
  readonly bytes: number;
  readonly attributes: number;
  /** What it has from there on; to be asked once. @throws why nobody can ever read it */
  readonly unpack: (from: PartitionOffset) => UnpackedBatch;
}

export interface UnpackedBatch {
  readonly records: readonly LogRecord[];
  /** Of which the records are parts: they stay in memory as long as any of these. */
  readonly bytes: number;
}

/** The offset behind it. */
export function endOf({ firstOffset, lastOffsetDelta }: FetchedBatch): number {
  return Number(firstOffset) + lastOffsetDelta + 1;
}

/** What a broker answers. */
export interface FetchAnswer {
  readonly responses: readonly {
    readonly topicId: string;
    readonly partitions: readonly FetchedPartition[];
  }[];
}

export interface FetchedPartition {
  readonly partitionIndex: number;
  /** Why the broker gives nothing of it; the others are as good as without. */
  readonly error?: Error | undefined;
  /** Behind the last record that all replicas in sync have. */
  readonly highWatermark: bigint;
  readonly records: readonly FetchedBatch[];
  /** The log has other records behind this than we were given before. */
  readonly divergesAt?: bigint | undefined;
}

type Found = Pick<typeof fetchV17.api, 'async' | 'version'>;

/** The library's request in that version, with our reading of its answer. */
export function fetchApi(library: typeof Library, found: Found): Pick<Found, 'async'> {
  const { version } = found;
  if (version < firstVersion) return found;
  const { createRequest } = library[`fetchV${version}` as 'fetchV17'];
  return library.createAPI(fetchKey, version, createRequest, (_, key, __, reader) => {
    const errorOf = (code: number): Error | undefined =>
      code === 0 ? undefined : new library.ResponseError(key, version, { '': [code, null] }, {});
    const answer = answerOf(reader, errorOf);
    if (answer.error !== undefined) throw answer.error;
    return answer;
  }) as unknown as Found;
}

function answerOf(reader: Reader, errorOf: (code: number) => Error | undefined) {
  return {
    throttleTimeMs: reader.readInt32(),
    error: errorOf(reader.readInt16()),
    sessionId: reader.readInt32(),
    responses: reader.readArray(() => ({
      topicId: reader.readUUID(),
      partitions: reader.readArray(() => partitionOf(reader, errorOf), true, false),
    })),
  } satisfies FetchAnswer & Record<string, unknown>;
}

function partitionOf(reader: Reader, errorOf: (code: number) => Error | undefined) {
  return {
    partitionIndex: reader.readInt32(),
    error: errorOf(reader.readInt16()),
    highWatermark: reader.readInt64(),
    lastStableOffset: reader.readInt64(),
    logStartOffset: reader.readInt64(),
    abortedTransactions: reader.readNullableArray(() => ({
      producerId: reader.readInt64(),
      firstOffset: reader.readInt64(),
    })),
    preferredReadReplica: reader.readInt32(),
    records: batchesIn(bytesIn(reader)),
    divergesAt: divergenceIn(reader),
  } satisfies FetchedPartition & Record<string, unknown>;
}

/** Of the tagged fields at the end of a partition: the epoch that both have, and where it ends. */
function divergenceIn(reader: Reader): bigint | undefined {
  let endOffset: bigint | undefined;
  for (let left = reader.readUnsignedVarInt(); left > 0; left -= 1) {
    const tag = reader.readUnsignedVarInt();
    const bytes = reader.readUnsignedVarInt();
    const end = reader.position + bytes;
    if (tag === divergingEpochTag) {
      reader.skip(epochBytes);
      endOffset = reader.readInt64();
    }
    reader.skip(end - reader.position);
  }
  return endOffset;
}

/** Compact bytes: their length and one, 0 for none. */
export function bytesIn(reader: Reader): Buffer {
  const bytes = Math.max(0, reader.readUnsignedVarInt() - 1);
  const at = reader.position;
  reader.skip(bytes);
  const copy = reader.buffer.slice(at, at + bytes);
  releaseCopied(reader.buffer.buffers, { from: at, to: at + bytes, copy });
  return copy;
}

/**
 * What a socket brought lies in pieces of 64 KiB, copied together where there are several. While an
 * answer comes they outlive what the garbage collector counts as young, and then many megabytes gather.
 */
function releaseCopied(
  pieces: readonly Buffer[],
  { from, to, copy }: { readonly from: number; readonly to: number; readonly copy: Buffer },
): void {
  const copied: Buffer[] = [];
  let at = 0;
  for (const piece of pieces) {
    const isWithin = at >= from && at + piece.length <= to;
    // A range within one piece is not copied.
    if (isWithin && piece.buffer !== copy.buffer) copied.push(piece);
    at += piece.length;
  }
  // The library still counts the bytes of the answer once it has been read.
  queueMicrotask(() => copied.forEach(release));
}

/**
 * The batches that are whole; a broker cuts the last one off where its answer is full. It never cuts
 * the first: where that is not whole it never will be, and is one that cannot be read.
 */
export function batchesIn(bytes: Buffer): FetchedBatch[] {
  const parts: Buffer[] = [];
  for (let at = 0; at + knownBytes <= bytes.length; ) {
    const end = at + lengthOf(bytes, at);
    const isWhole = end <= bytes.length && end >= at + knownBytes;
    if (!isWhole && parts.length > 0) break;
    parts.push(isWhole ? bytes.subarray(at, end) : bytes);
    if (!isWhole) break;
    at = end;
  }
  const giveBack = afterAll(parts.length, () => release(bytes));
  return parts.map((part) => {
    const amiss = amissIn(part);
    return amiss === undefined ? batchOf(part, giveBack) : unreadable(part, amiss, giveBack);
  });
}

/** Bytes of the batch there, as it says itself. */
function lengthOf(bytes: Buffer, at = 0): number {
  return uncountedBytes + bytes.readInt32BE(at + lengthAt);
}

/** Why it cannot be told what is in it. */
function amissIn(batch: Buffer): string | undefined {
  const format = batch.readInt8(magicAt);
  if (format < magic) return `a batch is in the format of Kafka before 0.11, magic ${format}`;
  if (format > magic) return `a batch is in an unknown format, magic ${format}`;
  const isWhole = lengthOf(batch) === batch.length && batch.length >= headBytes;
  return isWhole ? undefined : 'a batch is not as long as it says, or shorter than its head';
}

/** @param giveBack as `batchOf` has it */
function unreadable(batch: Buffer, why: string, giveBack: () => void): FetchedBatch {
  // What the older formats pack together has the offset of its last record.
  const hasHead = batch.readInt8(magicAt) === magic && batch.length >= headBytes;
  return {
    firstOffset: batch.readBigInt64BE(0),
    lastOffsetDelta: hasHead ? Math.max(0, batch.readInt32BE(lastOffsetDeltaAt)) : 0,
    leaderEpoch: hasHead ? batch.readInt32BE(leaderEpochAt) : unknownEpoch,
    newestMs: 0,
    bytes: batch.length,
    attributes: 0,
    unpack() {
      giveBack();
      throw new Error(why);
    },
  };
}

/** @returns what each of so many calls when it is done with what they share: the last one does the work */
function afterAll(count: number, work: () => void): () => void {
  let left = count;
  return () => {
    left -= 1;
    if (left === 0) work();
  };
}

/** @param giveBack for when nothing of it is needed any longer */
function batchOf(batch: Buffer, giveBack: () => void): FetchedBatch {
  return {
    firstOffset: batch.readBigInt64BE(0),
    lastOffsetDelta: batch.readInt32BE(lastOffsetDeltaAt),
    leaderEpoch: batch.readInt32BE(leaderEpochAt),
    newestMs: Number(batch.readBigInt64BE(maxTimestampAt)),
    bytes: batch.length,
    attributes: batch.readInt16BE(attributesAt),
    unpack: (from) => takeApart(batch, from, giveBack),
  };
}

function takeApart(
  batch: Buffer,
  { topic, partition, offset }: PartitionOffset,
  giveBack: () => void,
): UnpackedBatch {
  const count = batch.readInt32BE(recordsCountAt);
  if (count > batchRecordsMax) {
    throw new Error(`a batch holds more than ${batchRecordsMax} records`);
  }
  const attributes = batch.readInt16BE(attributesAt);
  const packed = batch.subarray(headBytes);
  const bytes = unpack(attributes & codecMask, packed);
  // What was unpacked lies elsewhere than the answer.
  const done = bytes === packed ? giveBack : () => release(bytes);
  const timestampMs = (at: number): number => Number(batch.readBigInt64BE(at));
  const head = {
    topic,
    partition,
    firstOffset: Number(batch.readBigInt64BE(0)),
    firstTimestampMs: timestampMs(firstTimestampAt),
    brokersMs: (attributes & brokersTime) === 0 ? undefined : timestampMs(maxTimestampAt),
    // Records that lie before the offset are given to nobody, but count: who begins there is rare.
    release: afterAll(count, done),
  };
  const records = readRecords(bytes, count, head, offset);
  if (bytes !== packed) giveBack();
  return { records, bytes: bytes.length };
}
