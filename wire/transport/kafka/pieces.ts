/** What a broker gave of one partition, as it is handed over: records, and what cannot be read. Pure. */
import type { LogRecord, PartitionOffset } from '../log/port.ts';
import { messageOf } from '../../../runtime/errors.ts';
import { endOf, type FetchedBatch } from './fetch-answer.ts';
import type { Position } from './offsets.ts';

/**
 * Records handed over at once: some 5 ms of a collector's work, so that its loop goes on turning. Of
 * many more a part would outlive the garbage collector's young space.
 */
const takeRecordsMax = 500;
/** Unpacked bytes after which nothing is added: with what one batch comes to, 20 MiB of one piece at most. */
const takeBytesMax = 4 * 1024 * 1024;
/** Attributes of a batch: it holds marks of transactions. */
const control = 0b10_0000;

export interface Gap {
  readonly from: PartitionOffset;
  readonly to: number;
  /** Why they cannot be read; undefined where they are gone at the broker. */
  readonly reason?: string;
}

export interface Piece {
  readonly records: readonly LogRecord[];
  /** What comes behind them and cannot be read. */
  readonly gap?: Gap | undefined;
  /** Behind all of it. */
  readonly reached: Position;
  /** When none of them was there yet, by `performance.now()`. */
  readonly newerThanMs: number;
}

interface Fetched {
  /** What was asked for. */
  readonly from: PartitionOffset;
  readonly newerThanMs: number;
}

/**
 * Pieces of bounded size, each up to what cannot be read at most; none where there are no batches. A
 * batch is unpacked when the piece is asked for in which it begins.
 */
export function* piecesOf(
  batches: readonly FetchedBatch[],
  { from, newerThanMs }: Fetched,
): Generator<Piece, void> {
  let records: LogRecord[] = [];
  let bytes = 0;
  for (const [i, batch] of batches.entries()) {
    const content = contentOf(batch, from);
    const { leaderEpoch } = batch;
    records = records.concat(content.records);
    bytes += content.bytes;
    for (let more = records[takeRecordsMax]; more !== undefined; more = records[takeRecordsMax]) {
      const part = records.splice(0, takeRecordsMax);
      yield { records: part, reached: { ...from, offset: more.offset, leaderEpoch }, newerThanMs };
    }
    const isLast = i === batches.length - 1;
    if (!isLast && content.gap === undefined && bytes < takeBytesMax) continue;
    const reached = { ...from, offset: Math.max(from.offset, endOf(batch)), leaderEpoch };
    yield { records, gap: content.gap, reached, newerThanMs };
    records = [];
    bytes = 0;
  }
}

interface Content {
  readonly records: readonly LogRecord[];
  /** The batch itself where it cannot be read: then it never can. */
  readonly gap?: Gap;
  readonly bytes: number;
}

function contentOf(batch: FetchedBatch, from: PartitionOffset): Content {
  if ((batch.attributes & control) !== 0) return { records: [], bytes: 0 };
  try {
    return batch.unpack(from);
  } catch (error) {
    const first = { ...from, offset: Number(batch.firstOffset) };
    const gap = { from: first, to: endOf(batch), reason: messageOf(error) };
    return { records: [], gap, bytes: 0 };
  }
}
