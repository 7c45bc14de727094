/** What a collector makes of a log that cannot be read, is read late, or has nothing at its end. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { alertFleet, serverIn } from './alerts/testing/fleet.ts';
import { GROUP } from './testing/members.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const [first, second] = [serverIn(0), serverIn(2)];
const idle = { [first]: 1, [second]: 1 };
const away = 'the brokers are away';

it('while the log cannot be read nobody is silent; afterwards whoever is silent is told', async () => {
  const fleet = alertFleet();
  const member = fleet.start('one');
  await fleet.run(30, idle);
  expect(member.cluster.failure).toBeUndefined();
  fleet.log.interrupt(away);
  await fleet.run(200);
  expect(member.cluster.failure).toBe(away);
  expect(member.cluster.isCaughtUp).toBe(false);
  fleet.log.interrupt(undefined);
  await fleet.run(30, idle);
  expect(member.cluster.failure).toBeUndefined();
  expect(fleet.told()).toEqual([]);
  await fleet.run(80, { [first]: 1 });
  expect(fleet.told()).toEqual([`firing silent ${second}`]);
});

it('what waited in the log while it could not be read tells nothing of clocks', async () => {
  const fleet = alertFleet();
  const member = fleet.start('one');
  await fleet.run(10, idle);
  for (let i = 0; i < 8; i += 1) {
    fleet.log.interrupt(away);
    await fleet.run(1, idle);
    await fleet.run(14);
    fleet.log.interrupt(undefined);
    await fleet.run(1);
  }
  const source = member.registry.find(first, '');
  expect(source?.delivery.received).toBe(18);
  expect(source?.clockOffsetMs).toBeGreaterThan(-1_000);
});

it('marks of transactions at the end of the log keep nobody behind, and are committed', async () => {
  const fleet = alertFleet();
  const place = { topic: SAMPLES_TOPIC, partition: 0 };
  fleet.log.mark(place);
  fleet.log.mark(place);
  const member = fleet.start('one');
  await fleet.run(3);
  expect(member.cluster.figures().behindRecords).toBe(0);
  expect(member.cluster.isCaughtUp).toBe(true);
  expect(fleet.log.committed(GROUP)).toContainEqual({ ...place, offset: 2 });
});
