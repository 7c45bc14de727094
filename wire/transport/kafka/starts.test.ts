import { expect, it } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import type { Requests } from './client.ts';
import { placeKey } from './offsets.ts';
import { startsOf } from './starts.ts';

const topic = 't';
const place = { topic, partition: 0, slot: 0, topicId: 'id' };

/** Of a log with offsets 5 to 20. */
async function startOf(given: { committed?: number; sameBefore?: number }) {
  const client: Requests = {
    metadata: async () =>
      ({ topics: new Map([[topic, { partitions: [{ leader: 1 }] }]]) }) as never,
    call: (async (_api: string, _node: number, ...args: unknown[]) => {
      const [, , [asked]] = args as [number, number, [{ partitions: { timestamp: bigint }[] }]];
      const offset = asked.partitions[0]?.timestamp === -1n ? 20n : 5n;
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
  const [start] = await startsOf([place], { client, membership, sameBefore, log });
  return { start, told: lines.length };
}

it('reading begins where it was committed; where nothing that was committed is there, at the earliest', async () => {
  expect(await startOf({ committed: 9 })).toEqual({
    start: { ...place, offset: 9, endOffset: 20 },
    told: 0,
  });
  const earliest = { ...place, offset: 5, endOffset: 20, isCut: true };
  expect(await startOf({})).toEqual({ start: earliest, told: 0 });
  expect(await startOf({ committed: 3 })).toEqual({ start: earliest, told: 1 });
  expect(await startOf({ committed: 21 })).toEqual({ start: earliest, told: 1 });
});

it('of a log that has other records now it begins where these do, or before', async () => {
  const sameBefore = 12;
  const end = { endOffset: 20, sameBefore };
  const later = await startOf({ committed: 15, sameBefore });
  expect(later.start).toEqual({ ...place, offset: 12, ...end });
  const before = await startOf({ committed: 9, sameBefore });
  expect(before.start).toEqual({ ...place, offset: 9, ...end });
});
