/** What a collector makes of a log that cannot be read, is read late, or has nothing at its end. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ALERTS_TOPIC } from '../../wire/records/alert-record.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import { alertFleet, serverIn } from './alerts/testing/fleet.ts';
import { GROUP, type Member } from './testing/members.ts';

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
  const states = () =>
    fleet.log
      .records(WINDOW_RESULTS_TOPIC)
      .map(({ value }) => (JSON.parse(String(value)) as { state: string }).state);
  expect(new Set(states())).toEqual(new Set(['up']));
  expect(member.cluster.failure).toBeUndefined();
  expect(fleet.told()).toEqual([]);
  await fleet.run(80, { [first]: 1 });
  expect(fleet.told()).toEqual([`firing silent ${second}`]);
  await fleet.run(60, { [first]: 1 });
  expect(states()).toContain('silent');
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

it('what cannot be read is put aside with its place and reason, once, also in the topics that all read', async () => {
  const fleet = alertFleet();
  const one = fleet.start('one');
  await fleet.run(2, { [first]: 1 });
  for (const topic of [SAMPLES_TOPIC, WINDOW_RESULTS_TOPIC, ALERTS_TOPIC]) {
    fleet.log.spoil({ topic, partition: 0 }, 'broken');
  }
  await fleet.run(2, { [first]: 1 });
  const wanted = [
    { topic: ALERTS_TOPIC, remote: `kafka ${ALERTS_TOPIC}/0@0`, reason: 'broken' },
    { topic: WINDOW_RESULTS_TOPIC, remote: `kafka ${WINDOW_RESULTS_TOPIC}/0@0`, reason: 'broken' },
    { topic: SAMPLES_TOPIC, remote: `kafka ${SAMPLES_TOPIC}/0@2`, reason: 'broken' },
  ];
  const quarantined = ({ db }: Member) =>
    db.prepare('SELECT topic, remote, reason FROM quarantine ORDER BY remote').all();
  expect(quarantined(one)).toEqual(wanted);
  expect(one.ingest.counts).toMatchObject({ received: 4, quarantined: 3 });
  // Nothing of it is committed in the group while windows are open: it is read again.
  one.kill();
  const again = fleet.start('one');
  await fleet.run(2, { [first]: 1 });
  expect(quarantined(again)).toEqual(wanted);
  expect(again.ingest.counts).toMatchObject({ received: 2, quarantined: 0 });
});
