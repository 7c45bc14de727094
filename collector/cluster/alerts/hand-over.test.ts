/** A slot goes to another collector while the topic does not say yet what was told of its alerts. */
import { expect, it } from 'vitest';
import { createManualClock } from '../../../runtime/testing/manual-clock.ts';
import { HandOver } from './hand-over.ts';
import { alertFleet, serverIn } from './testing/fleet.ts';
import { slowly } from './testing/slowly.ts';
import { triesSlowly } from './testing/tries-slowly.ts';

triesSlowly();

/** Of the slot that goes to whoever comes second. */
const server = serverIn(2);
const hot = { [server]: 99 };
const idle = { [server]: 1 };

it('the end of an alert is told by the next owner, also where another began in the same commit', async () => {
  const fleet = alertFleet();
  const one = fleet.start('one');
  await fleet.run(50, hot);
  expect(fleet.told()).toEqual([`firing cpu ${server}`]);
  one.kill();
  // It comes at once, as what waited for a collector does: over, and breached anew.
  await fleet.run(30, idle);
  await fleet.run(40, hot);
  fleet.receiver.isDown = true;
  const again = fleet.start('one');
  await fleet.run(2, hot);
  expect(again.alerts).toEqual([`resolved cpu ${server}`, `pending cpu ${server}`]);
  const two = fleet.start('two');
  await fleet.run(2, idle);
  expect(two.registry.find(server, '')?.isOurs).toBe(true);
  fleet.receiver.isDown = false;
  await fleet.run(60, idle);
  expect(fleet.told()).toEqual([`firing cpu ${server}`, `resolved cpu ${server}`]);
  expect(fleet.arrived[1]).toMatchObject({ id: fleet.arrived[0]?.id, by: 'two' });
});

it('what was told while nothing got into the log is not told again by the next owner', async () => {
  const fleet = alertFleet();
  fleet.start('one');
  await fleet.run(30, idle);
  fleet.log.failSends(1_000_000);
  while (fleet.told().length === 0) await fleet.run(1, hot);
  await fleet.run(20, hot);
  fleet.log.failSends(0);
  // It has judged the same windows before the word of that comes.
  const two = fleet.start('two');
  await fleet.run(1, hot);
  expect(two.alerts).toContain(`firing cpu ${server}`);
  expect(fleet.topic().get(`cpu|${server}`)?.owner.id).toBe('two');
  await fleet.run(30, hot);
  expect(fleet.arrived).toMatchObject([{ status: 'firing', by: 'one' }]);
  await fleet.run(60, idle);
  expect(fleet.arrived).toMatchObject([{ by: 'one' }, { status: 'resolved', by: 'two' }]);
});

it('what was told while nothing got into the log is in it when its collector has stopped', async () => {
  const fleet = alertFleet();
  const one = fleet.start('one');
  await fleet.run(30, idle);
  fleet.log.failSends(1_000_000);
  while (fleet.told().length === 0) await fleet.run(1, hot);
  // Its next try is further away than it may take to stop.
  await fleet.run(12, hot);
  fleet.log.failSends(0);
  await one.stop();
  expect(fleet.topic().get(`cpu|${server}`)?.notices).toMatchObject([
    { outcomes: { ops: 'sent' } },
  ]);
  fleet.start('two');
  await fleet.run(30, hot);
  expect(fleet.arrived).toMatchObject([{ status: 'firing', by: 'one' }]);
});

it('what was judged of the time before the slot came is held for a while from then on, and nothing else', () => {
  const clock = createManualClock();
  const handOver = new HandOver(clock);
  handOver.slotsCame([1]);
  const cameMs = clock.wallMs();
  clock.advance(2_000);
  handOver.judged('before', 1, cameMs);
  handOver.judged('after', 1, cameMs + 1);
  handOver.judged('elsewhere', 2, cameMs);
  const held = () => ['before', 'after', 'elsewhere'].filter((key) => handOver.isHeld(key, 3_000));
  expect(held()).toEqual(['before']);
  clock.advance(5_999);
  expect(held()).toEqual(['before']);
  clock.advance(1);
  expect(held()).toEqual([]);
});

it('an alert that was held later than its slot came is held from then on, whatever is judged of it', () => {
  const clock = createManualClock();
  const handOver = new HandOver(clock);
  handOver.slotsCame([1]);
  const cameMs = clock.wallMs();
  clock.advance(6_000);
  handOver.hold(['told late']);
  handOver.judged('told late', 1, cameMs);
  clock.advance(7_999);
  expect(handOver.isHeld('told late', 3_000)).toBe(true);
  clock.advance(1);
  expect(handOver.isHeld('told late', 3_000)).toBe(false);
});

it('what is judged of slots that came together is held until one instant', () => {
  const clock = createManualClock();
  const cameMs = clock.wallMs();
  const handOver = new HandOver(clock);
  slowly(clock, () => handOver.slotsCame([1, 2]));
  handOver.judged('one', 1, cameMs);
  handOver.judged('other', 2, cameMs);
  const held = () => ['one', 'other'].filter((key) => handOver.isHeld(key, 3_000));
  clock.advance(7_999);
  expect(held()).toEqual(['one', 'other']);
  clock.advance(1);
  expect(held()).toEqual([]);
});
