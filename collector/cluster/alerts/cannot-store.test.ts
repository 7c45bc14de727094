/** Alerts of a collector that can store nothing for so long that it gives its share away. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { alertFleet, serverIn } from './testing/fleet.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const server = serverIn(0);
const firing = `firing cpu ${server}`;
const resolved = `resolved cpu ${server}`;

it('what it sent before is known as sent when it is back, though that could be stored only then', async () => {
  const f = alertFleet();
  const one = f.start('one', f.log.ofProgram());
  f.receiver.answerMs = 5_000;
  while (f.arrived.length === 0) await f.run(1, { [server]: 99 });
  // The receiver has it and has not answered yet.
  one.storing(false, { isLocked: true });
  await f.run(45, { [server]: 99 });
  expect(one.cluster.figures().slots).toBe(0);
  // That is stored at once, and joining the group again takes longer.
  one.cutOff();
  one.storing(true);
  await f.run(2, { [server]: 99 });
  one.heal(0);
  await f.run(20, { [server]: 99 });
  expect(one.cluster.figures().slots).toBe(3);
  await f.run(60, { [server]: 1 });
  expect(f.told()).toEqual([firing, resolved]);
  expect([...f.topic().values()].flatMap(({ notices }) => notices)).toMatchObject([
    { status: 'firing', outcomes: { ops: 'sent' } },
    { status: 'resolved', outcomes: { ops: 'sent' } },
  ]);
  // Whoever comes next has nothing to tell.
  await one.stop();
  f.start('two');
  await f.run(60, { [server]: 1 });
  expect(f.told()).toEqual([firing, resolved]);
});
