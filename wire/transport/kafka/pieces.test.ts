import * as library from '@platformatic/kafka';
import { expect, it } from 'vitest';
import { batchesIn, type FetchedBatch } from './fetch-answer.ts';
import { piecesOf } from './pieces.ts';
import { batch as batchOf } from './testing/answers.ts';

const MiB = 1024 * 1024;

interface Like {
  /** Why nobody can read it. */
  readonly unreadable?: string;
  /** What it unpacks to. */
  readonly bytes?: number;
  readonly attributes?: number;
  readonly onUnpack?: () => void;
}

function batch(firstOffset: number, count: number, like: Like = {}): FetchedBatch {
  const { unreadable, bytes, attributes = 0, onUnpack = () => {} } = like;
  const values = Array.from({ length: count }, () => null);
  const given = batchOf({ offset: firstOffset, values, attributes });
  return {
    ...given,
    unpack(from) {
      onUnpack();
      if (unreadable !== undefined) throw new Error(unreadable);
      const unpacked = given.unpack(from);
      return { ...unpacked, bytes: bytes ?? unpacked.bytes };
    },
  };
}

/** `offsets of records | what cannot be read | where it goes on`. */
function cut(batches: readonly FetchedBatch[], offset = 0): string[] {
  const from = { topic: 't', partition: 0, offset };
  return [...piecesOf(batches, { from, newerThanMs: 0 })].map(({ records, gap, reached }) => {
    const offsets = records.map((record) => record.offset);
    const range = offsets.length > 4 ? `${offsets.at(0)}-${offsets.at(-1)}` : offsets.join(',');
    const passed = gap === undefined ? '' : `${gap.from.offset}-${gap.to} ${gap.reason}`;
    return `${range} | ${passed} | ${reached.offset}`;
  });
}

it('what cannot be read ends a piece, so that it is told before what is behind it', () => {
  expect(
    cut([
      batch(0, 2),
      batch(2, 2, { unreadable: 'bomb' }),
      batch(4, 1, { unreadable: 'broken' }),
      batch(5, 1),
    ]),
  ).toEqual(['0,1 | 2-4 bomb | 4', ' | 4-5 broken | 5', '5 |  | 6']);
});

it('much that comes before what cannot be read is handed over first, in parts', () => {
  expect(cut([batch(0, 1_200), batch(1_200, 1, { unreadable: 'bomb' })])).toEqual([
    '0-499 |  | 500',
    '500-999 |  | 1000',
    '1000-1199 | 1200-1201 bomb | 1201',
  ]);
});

it('where reading begins within a batch, and where there is nothing, it does not go back', () => {
  expect(cut([batch(0, 3)], 2)).toEqual(['2 |  | 3']);
  expect(cut([], 2)).toEqual([]);
});

it('batches that unpack to much come one by one, each unpacked when it is asked for', () => {
  let unpacked = 0;
  const large = { bytes: 15 * MiB, onUnpack: () => void (unpacked += 1) };
  const batches = Array.from({ length: 60 }, (_, offset) => batch(offset, 1, large));
  const from = { topic: 't', partition: 0, offset: 0 };
  let pieces = 0;
  for (const { records } of piecesOf(batches, { from, newerThanMs: 0 })) {
    pieces += 1;
    expect(records).toHaveLength(1);
    expect(unpacked).toBe(pieces);
  }
  expect(pieces).toBe(60);
  expect(cut([batch(0, 1, { bytes: 3 * MiB }), batch(1, 1, { bytes: MiB }), batch(2, 1)])).toEqual([
    '0,1 |  | 2',
    '2 |  | 3',
  ]);
});

it('marks of transactions are not unpacked: they have nothing that is handed over', () => {
  const control = 0b10_0000;
  expect(cut([batch(0, 1, { attributes: control, unreadable: 'bomb' })])).toEqual([' |  | 1']);
});

it('an answer of 60 batches just below the bound is never in memory as a whole', () => {
  const messages = [{ topic: 't', value: Buffer.alloc(15 * MiB) }];
  const { buffer } = library.createRecordsBatch(messages, { compression: 'zstd' } as never);
  const answer = Buffer.concat(Array.from({ length: 60 }, () => Buffer.from(buffer)));
  const from = { topic: 't', partition: 0, offset: 0 };
  const before = process.memoryUsage().external;
  let most = 0;
  for (const { records } of piecesOf(batchesIn(answer), { from, newerThanMs: 0 })) {
    expect(records.map(({ value }) => value?.length)).toEqual([15 * MiB]);
    most = Math.max(most, process.memoryUsage().external - before);
  }
  expect(most).toBeGreaterThan(0);
  // The garbage collector lets some of them wait; all are 900 MiB.
  expect(most).toBeLessThan(300 * MiB);
});
