/**
 * Takes apart what a broker answers to Fetch. The library would do it, but there one batch that it
 * cannot read makes an error of the whole answer, again with each try, and 1 MB of zstd may unpack to
 * gigabytes.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { fetchV17, Reader, RecordsBatch } from '@platformatic/kafka';
import type * as Library from '@platformatic/kafka';
import { messageOf } from '../../../runtime/errors.ts';

/** MiB that a batch may unpack to: what a topic with defaults takes of one, 1 MiB, sixteenfold. */
const batchMiBMax = 16;
/** Records of one batch; each takes some 500 bytes once it is taken apart. */
const batchRecordsMax = 200_000;

/** Bytes of a batch before its records, and the places of what is in them. */
const headBytes = 61;
const lengthAt = 8;
const attributesAt = 21;
const lastOffsetDeltaAt = 23;
const recordsCountAt = 57;
/** Bytes of a batch that its length does not count. */
const uncountedBytes = 12;
/** In the attributes. */
const codecMask = 0b111;

/** The first version in which topics have ids; later ones only add fields with tags. */
const firstVersion = 13;
const fetchKey = 1;

export interface FetchedBatch
  extends Pick<
    RecordsBatch,
    'firstOffset' | 'lastOffsetDelta' | 'attributes' | 'firstTimestamp' | 'maxTimestamp' | 'records'
  > {
  /** Why there are no records of it. */
  readonly unreadable?: string;
}

type Found = Pick<typeof fetchV17.api, 'async' | 'version'>;

/** The library's request in that version, with our reading of its answer. */
export function fetchApi(library: typeof Library, found: Found): Pick<Found, 'async'> {
  const { version } = found;
  if (version < firstVersion) return found;
  const { createRequest } = library[`fetchV${version}` as 'fetchV17'];
  return library.createAPI(fetchKey, version, createRequest, (_, key, __, reader) => {
    const errors: Record<string, [number, null]> = {};
    const answer = answerOf(library, reader, (path, code) => (errors[path] = [code, null]));
    if (Object.keys(errors).length === 0) return answer;
    throw new library.ResponseError(key, version, errors, answer);
  }) as unknown as Found;
}

function answerOf(
  library: typeof Library,
  reader: Reader,
  onError: (path: string, code: number) => void,
) {
  const check = (path: string, errorCode: number): number => {
    if (errorCode !== 0) onError(path, errorCode);
    return errorCode;
  };
  return {
    throttleTimeMs: reader.readInt32(),
    errorCode: check('', reader.readInt16()),
    sessionId: reader.readInt32(),
    responses: reader.readArray((_, i) => ({
      topicId: reader.readUUID(),
      partitions: reader.readArray((__, j) => ({
        partitionIndex: reader.readInt32(),
        errorCode: check(`/responses/${i}/partitions/${j}`, reader.readInt16()),
        highWatermark: reader.readInt64(),
        lastStableOffset: reader.readInt64(),
        logStartOffset: reader.readInt64(),
        abortedTransactions: reader.readNullableArray(() => ({
          producerId: reader.readInt64(),
          firstOffset: reader.readInt64(),
        })),
        preferredReadReplica: reader.readInt32(),
        records: batchesIn(library, bytesIn(reader)),
      })),
    })),
  };
}

/** Compact bytes: their length and one, 0 for none. */
function bytesIn(reader: Reader): Buffer {
  const bytes = Math.max(0, reader.readUnsignedVarInt() - 1);
  const at = reader.position;
  reader.skip(bytes);
  return reader.buffer.slice(at, at + bytes);
}

/** The batches that are whole; a broker cuts the last one off where its answer is full. */
export function batchesIn(library: typeof Library, bytes: Buffer): FetchedBatch[] {
  const batches: FetchedBatch[] = [];
  for (let at = 0; at + headBytes <= bytes.length; ) {
    const end = at + uncountedBytes + bytes.readInt32BE(at + lengthAt);
    if (end > bytes.length || end < at + headBytes) break;
    const batch = bytes.subarray(at, end);
    try {
      batches.push(takeApart(library, batch));
    } catch (error) {
      batches.push(unreadable(batch, messageOf(error)));
    }
    at = end;
  }
  return batches;
}

function takeApart(library: typeof Library, batch: Buffer): FetchedBatch {
  if (batch.readInt32BE(recordsCountAt) > batchRecordsMax) {
    throw new Error(`a batch holds more than ${batchRecordsMax} records`);
  }
  const attributes = batch.readInt16BE(attributesAt);
  const codec = attributes & codecMask;
  if (codec === 0) return library.readRecordsBatch(library.Reader.from(batch));
  const records = unpacked(library, codec, batch.subarray(headBytes));
  if (records.length > batchMiBMax * 1024 * 1024) throw tooLarge();
  const plain = Buffer.concat([batch.subarray(0, headBytes), records]);
  plain.writeInt16BE(attributes & ~codecMask, attributesAt);
  return library.readRecordsBatch(library.Reader.from(plain));
}

/** LZ4 grows at most 255-fold, Snappy 22-fold, so `max.message.bytes` of the topic bounds these. */
function unpacked(library: typeof Library, codec: number, packed: Buffer): Buffer {
  const { gzip, zstd } = library.compressionsAlgorithms;
  const limit = { maxOutputLength: batchMiBMax * 1024 * 1024 };
  try {
    if (codec === gzip.bitmask) return gunzipSync(packed, limit);
    if (codec === zstd.bitmask) return zstdDecompressSync(packed, limit);
  } catch (error) {
    throw hasCode(error, 'ERR_BUFFER_TOO_LARGE') ? tooLarge() : error;
  }
  const algorithm = library.compressionsAlgorithmsByBitmask[codec];
  if (algorithm === undefined) throw new Error(`a batch is packed in an unknown way, ${codec}`);
  return algorithm.decompressSync(packed);
}

function tooLarge(): Error {
  return new Error(`a batch unpacks to more than ${batchMiBMax} MiB`);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function unreadable(batch: Buffer, reason: string): FetchedBatch {
  return {
    firstOffset: batch.readBigInt64BE(0),
    lastOffsetDelta: batch.readInt32BE(lastOffsetDeltaAt),
    attributes: 0,
    firstTimestamp: 0n,
    maxTimestamp: 0n,
    records: [],
    unreadable: reason,
  };
}
