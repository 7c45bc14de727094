import { expect, it } from 'vitest';
import type { LogRecord, SlotStart } from '../../wire/transport/log/port.ts';
import { Positions } from './positions.ts';

const topic = 't';

function records(from: number, to: number, partition = 0): LogRecord[] {
  const rest = { key: undefined, value: undefined, headers: new Map(), timeMs: 0 };
  return Array.from({ length: to - from }, (_, i) => ({
    topic,
    partition,
    offset: from + i,
    ...rest,
  }));
}

const topicId = 'id';

function startAt(offset: number, endOffset: number, partition = 0): SlotStart {
  return { topic, topicId, partition, slot: partition, offset, endOffset };
}

/** Takes all of them. @returns the runs as `from-to kinds` */
function take(positions: Positions, given: readonly LogRecord[], waitedMsMax = 10_000): string[] {
  return positions.runsOf(given, waitedMsMax).map(({ records: taken, origin, end }) => {
    positions.taken(end);
    const kinds = [
      origin.isReread ? 'again' : '',
      origin.isPast ? 'past' : '',
      origin.hasGap ? 'gap' : '',
      origin.isPrompt ? 'prompt' : '',
    ];
    const to = (taken.at(-1)?.offset ?? 0) + 1;
    return `${origin.slot}:${taken[0]?.offset}-${to} ${kinds.filter(Boolean).join(' ')}`.trim();
  });
}

it('tells what is stored, what waited in the log, and what is new, each in a run of its own', () => {
  const positions = new Positions([{ topic, partition: 0, offset: 5 }]);
  positions.assign(new Set([0]), [startAt(2, 8)]);
  expect(take(positions, records(2, 12))).toEqual(['0:2-5 again past', '0:5-8 past', '0:8-12']);
});

it('what is new and came at once is told from what waited in the log while we lagged', () => {
  const positions = new Positions([{ topic, partition: 0, offset: 0 }]);
  positions.assign(new Set([0]), [startAt(0, 2)]);
  expect(take(positions, records(0, 4), 1_000)).toEqual(['0:0-2 past', '0:2-4 prompt']);
  expect(take(positions, records(4, 6), 6_000)).toEqual(['0:4-6']);
  expect(take(positions, records(6, 8), Infinity)).toEqual(['0:6-8']);
});

it('a record that comes again, or of a partition that is not ours, is left out', () => {
  const positions = new Positions([]);
  positions.assign(new Set([0]), [startAt(0, 0)]);
  take(positions, records(0, 4));
  expect(take(positions, [...records(2, 6), ...records(0, 3, 1)])).toEqual(['0:4-6 gap']);
});

it('what went to another in between is a gap, and what was stored here is known when the slot returns', () => {
  const positions = new Positions([]);
  positions.assign(new Set([0]), [startAt(0, 0)]);
  take(positions, records(0, 10));
  expect([...positions.assign(new Set(), []).slots]).toEqual([0]);
  expect(take(positions, records(10, 11))).toEqual([]);
  positions.assign(new Set([0]), [startAt(7, 20)]);
  expect(take(positions, records(7, 12))).toEqual(['0:7-10 again past', '0:10-12 past']);
  positions.assign(new Set(), []);
  positions.assign(new Set([0]), [startAt(30, 30)]);
  expect(take(positions, records(30, 31))).toEqual(['0:30-31 gap']);
});

it('a slot that begins anew though it was ours was another’s: what is derived from it goes', () => {
  const positions = new Positions([]);
  positions.assign(new Set([0, 1]), [startAt(0, 0), startAt(0, 0, 1)]);
  take(positions, records(0, 10));
  const gone = positions.assign(new Set([0, 1]), [startAt(4, 10)]);
  expect([...gone.slots]).toEqual([0]);
  expect(take(positions, records(4, 11))).toEqual(['0:4-10 again past', '0:10-11']);
});

it('is caught up when all that was there has been taken, and not before anything is ours', () => {
  const positions = new Positions([]);
  expect(positions.isCaughtUp).toBe(false);
  positions.assign(new Set([0, 1]), [startAt(0, 4), startAt(3, 3, 1)]);
  expect(positions.behindRecords).toBe(4);
  take(positions, records(0, 3));
  expect(positions.isCaughtUp).toBe(false);
  take(positions, records(3, 4));
  expect(positions.isCaughtUp).toBe(true);
  positions.reset();
  expect(positions.isCaughtUp).toBe(false);
  positions.assign(new Set(), []);
  expect(positions.isCaughtUp).toBe(true);
});

it('is caught up behind offsets that have no records, too', () => {
  const positions = new Positions([]);
  positions.assign(new Set([0]), [startAt(0, 3)]);
  take(positions, records(0, 2));
  expect(positions.isCaughtUp).toBe(false);
  expect(positions.taken({ topic, partition: 0, offset: 3 })).toBe(true);
  expect(positions.isCaughtUp).toBe(true);
  expect(positions.taken({ topic, partition: 0, offset: 1 })).toBe(false);
  expect(take(positions, records(1, 3))).toEqual([]);
});

it('behind where a log has other records now nothing was taken, however long it is by now', () => {
  const positions = new Positions([{ topic, partition: 0, offset: 9 }]);
  positions.assign(new Set([0]), [{ ...startAt(4, 12), sameBefore: 6 }]);
  expect(take(positions, records(4, 12))).toEqual(['0:4-6 again past', '0:6-12 past']);
});

it('what was taken of a topic that was made anew since is nothing of this one', () => {
  const positions = new Positions([{ topic, partition: 0, offset: 2, topicId: 'another' }]);
  positions.assign(new Set([0]), [startAt(0, 5)]);
  expect(take(positions, records(0, 5))).toEqual(['0:0-5 past gap']);
  const end = { topic, partition: 0, offset: 5 };
  expect(positions.markAt(end)).toEqual({ ...end, topicId });
  // While we read it, too.
  positions.assign(new Set([0]), [{ ...startAt(0, 1), topicId: 'third' }]);
  expect(take(positions, records(0, 2))).toEqual(['0:0-1 past gap', '0:1-2 gap']);
  // An older windrow did not note which it was.
  const older = new Positions([{ topic, partition: 0, offset: 2, topicId: undefined }]);
  older.assign(new Set([0]), [startAt(0, 5)]);
  expect(take(older, records(0, 5))).toEqual(['0:0-2 again past', '0:2-5 past']);
});

it('what is behind is known by where the log ends now; what is of the past, by where it ended then', () => {
  const positions = new Positions([]);
  positions.assign(new Set([0]), [startAt(0, 2)]);
  take(positions, records(0, 2));
  positions.ends(
    [
      { topic, partition: 0, offset: 9 },
      { topic, partition: 7, offset: 9 },
    ],
    0,
  );
  expect([positions.behindRecords, positions.isCaughtUp]).toEqual([7, true]);
  expect(take(positions, records(2, 9))).toEqual(['0:2-9 gap']);
  expect(positions.behindRecords).toBe(0);
});

it('while nobody knows where a log ends, it is not read up', () => {
  const positions = new Positions([]);
  positions.assign(new Set([0]), [startAt(0, Infinity)]);
  expect([positions.behindRecords, positions.isCaughtUp]).toEqual([0, false]);
  positions.ends([{ topic, partition: 0, offset: 2 }], 0);
  expect([positions.behindRecords, positions.isCaughtUp]).toEqual([2, false]);
  expect(take(positions, records(0, 3))).toEqual(['0:0-2 past gap', '0:2-3 gap']);
  expect(positions.isCaughtUp).toBe(true);
});

it('is heard through the time when a partition ended where it has been read to', () => {
  const positions = new Positions([]);
  const ends = (offset: number, atMs: number, partition = 0): void =>
    positions.ends([{ topic, partition, offset }], atMs);
  positions.assign(new Set([0, 1]), [startAt(0, 2), startAt(0, 0, 1)]);
  expect(positions.heardThroughMs(0)).toBe(-Infinity);
  ends(2, 10);
  take(positions, records(0, 1));
  // It was asked again before what it awaits was read.
  ends(5, 20);
  expect(positions.heardThroughMs(0)).toBe(-Infinity);
  take(positions, records(1, 3));
  expect(positions.heardThroughMs(0)).toBe(10);
  ends(5, 30);
  take(positions, records(3, 5));
  expect(positions.heardThroughMs(0)).toBe(30);
  // Of what is empty all has been read.
  ends(0, 40, 1);
  ends(5, 50);
  expect([0, 1, 2].map((slot) => positions.heardThroughMs(slot))).toEqual([50, 40, -Infinity]);
});

it('partitions of a topic that is read whole come and go with their slot', () => {
  const positions = new Positions([]);
  const whole = [startAt(0, 0), { ...startAt(0, 0, 1), slot: 0 }];
  positions.assign(new Set([0]), whole);
  expect(take(positions, records(0, 2, 1))).toEqual(['0:0-2 gap']);
  expect(positions.assign(new Set([1]), []).partitions).toHaveLength(2);
});

it('of a log that lost its end, what is left is in the store, and what comes then is new', () => {
  const positions = new Positions([{ topic, partition: 0, offset: 50 }]);
  positions.assign(new Set([0]), [startAt(0, 3)]);
  expect(take(positions, records(0, 5))).toEqual(['0:0-3 again past', '0:3-5']);
});
