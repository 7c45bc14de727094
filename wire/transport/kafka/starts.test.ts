import { expect, it } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import type { Requests } from './client.ts';
import { placeKey, type Position } from './offsets.ts';
import { startsOf } from './starts.ts';

const topic = 't';
const place = { topic, partition: 0, slot: 0, topicId: 'id' };

interface Given {
  readonly committed?: number;
  /** Committed with it. */
  readonly leaderEpoch?: number;
  readonly sameBefore?: number;
  /** Where it was read last, and where the leader says that this epoch of it ends. */
  readonly read?: Position;
  readonly epochEnd?: number;
  /** Of which the end is; the asked one when not given. */
  readonly epochFound?: number;
}

/** Of a log with offsets 5 to 20. */
async function startOf(given: Given) {
  const { read, epochEnd = -1, epochFound = 3, leaderEpoch } = given;
  const asked: unknown[] = [];
  const client: Requests = {
    metadata: async () =>
      ({ topics: new Map([[topic, { partitions: [{ leader: 1 }] }]]) }) as never,
    call: (async (api: string, _node: number, ...args: unknown[]) => {
      if (api === 'OffsetForLeaderEpoch') {
        asked.push(args[1]);
        const end = { leaderEpoch: epochFound, endOffset: BigInt(epochEnd) };
        return { topics: [{ topic, partitions: [{ partition: 0, errorCode: 0, ...end }] }] };
      }
      const [, , [wanted]] = args as [number, number, [{ partitions: { timestamp: bigint }[] }]];
      const offset = wanted.partitions[0]?.timestamp === -1n ? 20n : 5n;
      return {
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, errorCode: 0, offset }] }],
      };
    }) as Requests['call'],
  };
  const mapOf = <T>(value: T | undefined) =>
    new Map(value === undefined ? [] : [[placeKey(place), value]]);
  const epoch = leaderEpoch === undefined ? {} : { leaderEpoch };
  const committed =
    given.committed === undefined ? undefined : { offset: given.committed, ...epoch };
  const membership = { committed: async () => mapOf(committed) };
  const { log, lines } = createKeptLog();
  const sameBefore = mapOf(given.sameBefore);
  const from = { client, membership, sameBefore, read: read === undefined ? [] : [read], log };
  const { starts, positions } = await startsOf([place], from);
  return { start: starts[0], position: positions[0], told: lines.length, asked };
}

it('reading begins where it was committed; where nothing that was committed is there, at the earliest', async () => {
  const at = (offset: number) => ({ topic, partition: 0, offset });
  expect(await startOf({ committed: 9 })).toEqual({
    start: { ...place, offset: 9, endOffset: 20 },
    position: at(9),
    told: 0,
    asked: [],
  });
  const start = { ...place, offset: 5, endOffset: 20, isCut: true };
  const earliest = { start, position: at(5), asked: [] };
  expect(await startOf({})).toEqual({ ...earliest, told: 0 });
  expect(await startOf({ committed: 3 })).toEqual({ ...earliest, told: 1 });
  expect(await startOf({ committed: 21 })).toEqual({ ...earliest, told: 1 });
  // What its epoch says of the log is of no use then.
  const beyond = { committed: 21, leaderEpoch: 3, epochEnd: 12 };
  expect(await startOf(beyond)).toEqual({ ...earliest, told: 1 });
});

it('of a log that has other records now it begins where these do, or before', async () => {
  const sameBefore = 12;
  const end = { endOffset: 20, sameBefore };
  const later = await startOf({ committed: 15, sameBefore });
  expect(later.start).toEqual({ ...place, offset: 12, ...end });
  const before = await startOf({ committed: 9, sameBefore });
  expect(before.start).toEqual({ ...place, offset: 9, ...end });
});

it('what was read last is compared with what the log has now, wherever reading begins', async () => {
  const read = { topic, partition: 0, offset: 15, leaderEpoch: 3 };
  const start = { ...place, offset: 9, endOffset: 20 };
  const lost = await startOf({ committed: 9, read, epochEnd: 12 });
  expect(lost).toMatchObject({ start: { ...start, sameBefore: 12 }, told: 1 });
  const wanted = { partitionIndex: 0, currentLeaderEpoch: -1, leaderEpoch: 3 };
  expect(lost.asked).toEqual([[{ name: topic, partitions: [wanted] }]]);
  const committedBehind = await startOf({ committed: 14, read, epochEnd: 12 });
  expect(committedBehind.start).toEqual({ ...start, offset: 12, sameBefore: 12 });
  for (const epochEnd of [15, 18, -1]) {
    expect(await startOf({ committed: 9, read, epochEnd })).toMatchObject({ start, told: 0 });
    expect((await startOf({ committed: 9, read, epochEnd })).start).toEqual(start);
  }
  // Noticed already: told then.
  const noticed = { committed: 9, read, sameBefore: 11 };
  const same = { start: { ...start, sameBefore: 11 }, told: 0 };
  expect(await startOf({ ...noticed, epochEnd: 11 })).toMatchObject(same);
  expect(await startOf({ ...noticed, epochEnd: 15 })).toMatchObject(same);
  expect((await startOf({ ...noticed, epochEnd: 10 })).start?.sameBefore).toBe(10);
  const unread = { topic, partition: 0, offset: 15 };
  const unknown = await startOf({ committed: 9, read: unread, epochEnd: 12 });
  expect(unknown).toMatchObject({ start, told: 0, asked: [] });
});

it('a log that has other records before what was committed is read from there by whoever starts', async () => {
  const committed = { committed: 15, leaderEpoch: 3 };
  const lost = await startOf({ ...committed, epochEnd: 12 });
  expect(lost).toMatchObject({ start: { offset: 12, sameBefore: 12 }, told: 1 });
  const wanted = { partitionIndex: 0, currentLeaderEpoch: -1, leaderEpoch: 3 };
  expect(lost.asked).toEqual([[{ name: topic, partitions: [wanted] }]]);
  // The log may lack that epoch: whoever asked for records by it would begin anew again and again.
  expect(lost.position).toEqual({ topic, partition: 0, offset: 12 });
  for (const epochEnd of [15, 18, -1]) {
    const same = await startOf({ ...committed, epochEnd });
    expect(same.start).toEqual({ ...place, offset: 15, endOffset: 20 });
    expect(same.position).toEqual({ topic, partition: 0, offset: 15, leaderEpoch: 3 });
  }
});

it('of a log that has nothing of that epoch the end of the one before it tells where it differs', async () => {
  const committed = { committed: 15, leaderEpoch: 3, epochFound: 2 };
  const lost = await startOf({ ...committed, epochEnd: 12 });
  expect(lost).toMatchObject({ start: { offset: 12, sameBefore: 12 }, told: 1 });
  // It differs before the position, and nothing tells from where on.
  const unknown = await startOf({ ...committed, epochEnd: 18 });
  expect(unknown).toMatchObject({ start: { ...place, offset: 15, endOffset: 20 }, told: 0 });
  expect(unknown.start).not.toHaveProperty('sameBefore');
});

it('of what was committed and what was read last the later one is compared with the log', async () => {
  const epochsAsked = async (given: Given) =>
    (await startOf(given)).asked.map((each) => {
      const [{ partitions }] = each as [{ partitions: { leaderEpoch: number }[] }];
      return partitions.map(({ leaderEpoch }) => leaderEpoch);
    });
  const read = { topic, partition: 0, offset: 12, leaderEpoch: 3 };
  expect(await epochsAsked({ read, committed: 15, leaderEpoch: 4 })).toEqual([[4]]);
  expect(await epochsAsked({ read, committed: 11, leaderEpoch: 2 })).toEqual([[3]]);
  // As an older version, or another program, committed it.
  expect(await epochsAsked({ read, committed: 15 })).toEqual([[3]]);
});
