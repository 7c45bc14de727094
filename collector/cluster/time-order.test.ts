import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import type { LogRecord, PartitionOffset, SlotStart } from '../../wire/transport/log/port.ts';
import { TimeOrder } from './time-order.ts';

const topic = 'whole';
const place = (partition: number, offset: number): PartitionOffset => ({
  topic,
  partition,
  offset,
});

function record(partition: number, offset: number, timeMs: number, of = topic): LogRecord {
  const rest = { key: undefined, value: undefined, headers: new Map() };
  return { topic: of, partition, offset, timeMs, ...rest };
}

function startAt(partition: number, endOffset: number): SlotStart {
  return { ...place(partition, 0), slot: 0, topicId: 'id', endOffset };
}

/** @returns times, each group of `arrange` by itself */
function times(order: TimeOrder, records: readonly LogRecord[], nowMs = 0): number[][] {
  const groups = order.arrange(records, { waitedMsMax: 5, nowMs });
  return groups.map((group) => group.records.map(({ timeMs }) => timeMs));
}

it('what one partition gives waits for what others have before it', () => {
  const order = new TimeOrder([topic]);
  order.begin([startAt(0, 3), startAt(1, 2)], 0);
  expect(times(order, [record(0, 0, 1), record(0, 1, 3), record(0, 2, 5)])).toEqual([[], []]);
  expect(times(order, [record(1, 0, 2)])).toEqual([[], [1, 2]]);
  expect(times(order, [record(1, 1, 4)])).toEqual([[], [3, 4, 5]]);
});

it('records of other topics do not wait, and partitions that are read up hold nobody up', () => {
  const order = new TimeOrder([topic]);
  order.begin([startAt(0, 1), startAt(1, 0)], 0);
  expect(times(order, [record(0, 0, 9), record(0, 0, 1, 'other')])).toEqual([[1], [9]]);
  order.ends([place(1, 1)]);
  expect(times(order, [record(0, 1, 12)])).toEqual([[], []]);
  expect(times(order, [record(1, 0, 11)])).toEqual([[], [11, 12]]);
});

it('how long what waited here has waited in the log is known', () => {
  const order = new TimeOrder([topic]);
  order.begin([startAt(0, 1), startAt(1, 1)], 0);
  order.arrange([record(0, 0, 1)], { waitedMsMax: 10, nowMs: 1_000 });
  const [, due] = order.arrange([record(1, 0, 2)], { waitedMsMax: 3, nowMs: 1_500 });
  expect(due?.waitedMsMax).toBe(510);
});

it('who gives nothing for long keeps the others no longer waiting, and neither does what is too much', () => {
  const silent = new TimeOrder([topic]);
  silent.begin([startAt(0, 2), startAt(1, 1)], 0);
  expect(times(silent, [record(0, 0, 1)], 9_999)).toEqual([[], []]);
  expect(times(silent, [record(0, 1, 2)], 10_000)).toEqual([[], [1, 2]]);
  const much = new TimeOrder([topic]);
  much.begin([startAt(0, 20_000), startAt(1, 1)], 0);
  const records = Array.from({ length: 10_003 }, (_, i) => record(0, i, i));
  expect(times(much, records)).toEqual([[], [0, 1, 2]]);
});

it('what waits is bounded in bytes too, by the whole batch that one record of it keeps', () => {
  const MiB = 1024 * 1024;
  const order = new TimeOrder([topic]);
  order.begin([startAt(0, 20), startAt(1, 1)], 0);
  /** Two small records of one batch. */
  const two = (offset: number): LogRecord[] => {
    const batch = Buffer.alloc(16 * MiB);
    const value = batch.subarray(0, 10);
    // Where there is no value, key or header keep it.
    const rest = { ...record(0, offset + 1, offset + 1), headers: new Map([['h', value]]) };
    return [{ ...record(0, offset, offset), value }, rest];
  };
  for (const offset of [0, 2, 4, 6]) expect(times(order, two(offset)).flat()).toEqual([]);
  // The first batch goes when the last of its records is given.
  expect(times(order, two(8)).flat()).toEqual([0, 1]);
  expect(times(order, two(10)).flat()).toEqual([2, 3]);
  order.forget([place(0, 0)]);
  order.begin([startAt(0, 20)], 0);
  for (const offset of [0, 2, 4, 6]) expect(times(order, two(offset)).flat()).toEqual([]);
});

it('a partition is reached when nothing before waits any longer', () => {
  const order = new TimeOrder([topic]);
  order.begin([startAt(0, 2), startAt(1, 1)], 0);
  times(order, [record(0, 0, 1)]);
  // Its second offset has no record.
  expect(order.reached([place(0, 2)])).toEqual([]);
  expect(times(order, [record(1, 0, 2)])).toEqual([[], [1, 2]]);
  expect(order.reached([place(1, 1)])).toEqual([place(0, 2), place(1, 1)]);
  expect(order.reached([{ ...place(0, 7), topic: 'other' }])).toHaveLength(1);
});

it('what waits of partitions that are gone is given by nobody here', () => {
  const order = new TimeOrder([topic]);
  order.begin([startAt(0, 1), startAt(1, 1)], 0);
  times(order, [record(0, 0, 1)]);
  order.forget([place(0, 0)]);
  expect(times(order, [record(1, 0, 2)])).toEqual([[], [2]]);
});

it('however the partitions are read, all comes once, and in the order of time', () => {
  const partitions = 3;
  const spread = fc.array(fc.nat(partitions - 1), { minLength: 1, maxLength: 60 });
  const readings = fc.infiniteStream(fc.record({ of: fc.nat(partitions - 1), n: fc.nat(6) }));
  fc.assert(
    fc.property(spread, readings, (partitionOf, turns) => {
      const logs = Array.from({ length: partitions }, (): LogRecord[] => []);
      for (const [timeMs, partition] of partitionOf.entries()) {
        logs[partition]?.push(record(partition, logs[partition].length, timeMs));
      }
      const order = new TimeOrder([topic]);
      order.begin(
        logs.map((log, partition) => startAt(partition, log.length)),
        0,
      );
      const read = logs.map(() => 0);
      const given: number[] = [];
      while (logs.some((log, i) => (read[i] ?? 0) < log.length)) {
        const { of, n } = turns.next().value;
        const from = read[of] ?? 0;
        const piece = logs[of]?.slice(from, from + n) ?? [];
        read[of] = from + piece.length;
        given.push(...times(order, piece).flat());
      }
      expect(given).toEqual(partitionOf.map((_, i) => i));
    }),
  );
});

it('the time of a record is looked at once or twice, of however many partitions the topic is', () => {
  const partitions = 200;
  const order = new TimeOrder([topic]);
  order.begin(
    Array.from({ length: partitions + 1 }, (_, partition) => startAt(partition, 10)),
    0,
  );
  let looks = 0;
  const watched = (partition: number, offset: number): LogRecord => ({
    ...record(partition, offset, 0),
    get timeMs() {
      looks += 1;
      return offset * partitions + partition;
    },
  });
  const all = Array.from({ length: 10 * partitions }, (_, i) =>
    watched(i % partitions, Math.floor(i / partitions)),
  );
  // One gives nothing.
  expect(order.arrange(all, { waitedMsMax: 0, nowMs: 0 })[1]?.records).toHaveLength(0);
  looks = 0;
  const [, due] = order.arrange([], { waitedMsMax: 0, nowMs: 20_000 });
  expect(due?.records).toEqual(all);
  expect(looks).toBeLessThanOrEqual(2 * all.length);
});

it('what waits for a partition that gives nothing is due by time alone', () => {
  const order = new TimeOrder([topic]);
  order.begin([startAt(0, 1), startAt(1, 1)], 0);
  expect(times(order, [record(0, 0, 1)], 1_000)).toEqual([[], []]);
  expect(times(order, [], 9_999)).toEqual([[], []]);
  expect(times(order, [], 10_000)).toEqual([[], [1]]);
});
