import { expect, it } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import type { Requests } from './client.ts';
import { placeKey, type Position } from './offsets.ts';
import { startsOf } from './starts.ts';

const topic = 't';
const place = { topic, partition: 0, slot: 0, topicId: 'id' };

interface Given {
  readonly committed?: number;
  readonly sameBefore?: number;
  /** Where it was read last, and where the leader says that this epoch of it ends. */
  readonly read?: Position;
  readonly epochEnd?: number;
}

/** Of a log with offsets 5 to 20. */
async function startOf(given: Given) {
  const { read, epochEnd = -1 } = given;
  const asked: unknown[] = [];
  const client: Requests = {
    metadata: async () =>
      ({ topics: new Map([[topic, { partitions: [{ leader: 1 }] }]]) }) as never,
    call: (async (api: string, _node: number, ...args: unknown[]) => {
      if (api === 'OffsetForLeaderEpoch') {
        asked.push(args[1]);
        const partitions = [{ partition: 0, errorCode: 0, endOffset: BigInt(epochEnd) }];
        return { topics: [{ topic, partitions }] };
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
  const committed = given.committed === undefined ? undefined : { offset: given.committed };
  const membership = { committed: async () => mapOf(committed) };
  const { log, lines } = createKeptLog();
  const sameBefore = mapOf(given.sameBefore);
  const from = { client, membership, sameBefore, read: read === undefined ? [] : [read], log };
  const [start] = await startsOf([place], from);
  return { start, told: lines.length, asked };
}

it('reading begins where it was committed; where nothing that was committed is there, at the earliest', async () => {
  expect(await startOf({ committed: 9 })).toEqual({
    start: { ...place, offset: 9, endOffset: 20 },
    told: 0,
    asked: [],
  });
  const earliest = { ...place, offset: 5, endOffset: 20, isCut: true };
  expect(await startOf({})).toEqual({ start: earliest, told: 0, asked: [] });
  expect(await startOf({ committed: 3 })).toEqual({ start: earliest, told: 1, asked: [] });
  expect(await startOf({ committed: 21 })).toEqual({ start: earliest, told: 1, asked: [] });
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
  expect(await startOf({ committed: 9, read: unread, epochEnd: 12 })).toEqual({
    start,
    told: 0,
    asked: [],
  });
});
