/** A collector whose disk is full, or whose database is locked, while its brokers hear of it all the while. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { partitionOf } from '../../wire/transport/log/partition.ts';
import { changedConsumer } from '../../wire/transport/log/testing/changed-consumer.ts';
import type { Member } from './testing/members.ts';
import { finals, fleet, pc, samples } from './testing/stage.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const slotsOf = ({ cluster }: Member): number => cluster.figures().slots;

async function sharing() {
  const f = fleet();
  const members = [await f.start('one'), await f.start('two')];
  await f.sendEachSecond(25);
  const [owner, other] =
    members[0] !== undefined && samples(members[0]).length > 0 ? members : members.toReversed();
  if (owner === undefined || other === undefined) throw new Error('no two members');
  return { f, owner, other };
}

it('gives its share to the others after half a minute, and gets one again when it can store', async () => {
  const { f, owner, other } = await sharing();
  owner.storing(false);
  await f.sendEachSecond(25, 25);
  expect([slotsOf(owner) > 0, samples(other).length]).toEqual([true, 0]);
  await f.sendEachSecond(20, 50);
  expect([slotsOf(owner), slotsOf(other)]).toEqual([0, 3]);
  expect(owner.cluster.failure).toBe('nothing could be stored for 30 s');
  owner.storing(true);
  await f.sendEachSecond(60, 70);
  expect(new Set([slotsOf(owner), slotsOf(other)])).toEqual(new Set([1, 2]));
  expect(owner.cluster.failure).toBeUndefined();
  const both = [owner, other].flatMap(samples).map((sample) => JSON.stringify(sample));
  expect(new Set(both).size).toBe(130);
  const windows = finals(owner);
  expect(finals(other)).toEqual(windows);
  expect(windows.map(({ startMs }) => startMs - f.fromMs)).toEqual(
    Array.from({ length: 12 }, (_, i) => 10_000 * (i - 2)),
  );
  const full = windows.filter(({ startMs }) => startMs >= f.fromMs);
  for (const window of full) expect(window).toMatchObject({ samples: 30, incomplete: false });
});

it('what is over sooner moves nothing', async () => {
  const { f, owner, other } = await sharing();
  for (let i = 0; i < 3; i += 1) {
    owner.storing(false);
    await f.sendEachSecond(25, 25 + 30 * i);
    owner.storing(true);
    await f.sendEachSecond(5, 50 + 30 * i);
  }
  expect([samples(owner).length, samples(other).length]).toEqual([115, 0]);
});

it('what its consumer still hands over then is left to whoever reads it next', async () => {
  const f = fleet();
  const consumerOf = f.log.consumer.bind(f.log);
  vi.spyOn(f.log, 'consumer').mockImplementation((options) => {
    const consumer = consumerOf(options);
    return changedConsumer(consumer, {
      async run(handler, signal) {
        const place = { topic: SAMPLES_TOPIC, partition: partitionOf(pc.server_id, 3) };
        const late = () => {
          const [record] = f.log.records(SAMPLES_TOPIC).slice(-1);
          if (record !== undefined) void handler.take([record], 0);
          handler.reached?.([{ ...place, offset: f.log.records(SAMPLES_TOPIC).length }]);
        };
        signal.addEventListener('abort', late);
        await consumer.run(handler, signal);
      },
    });
  });
  const member = await f.start('one');
  await f.sendEachSecond(10);
  member.storing(false);
  await f.sendEachSecond(40, 10);
  expect(slotsOf(member)).toBe(0);
  member.storing(true);
  await f.sendEachSecond(20, 50);
  expect(samples(member)).toHaveLength(70);
  expect(member.ingest.counts).toMatchObject({ received: 70, duplicates: 0, late: 0 });
});
