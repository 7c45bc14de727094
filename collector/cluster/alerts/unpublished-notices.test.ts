/** What is judged while nothing gets into the topic `alerts`. */
import { expect, it } from 'vitest';
import { createManualClock } from '../../../runtime/testing/manual-clock.ts';
import type { Member } from '../testing/members.ts';
import { type AlertFleet, alertFleet, serverIn } from './testing/fleet.ts';
import { triesSlowly } from './testing/tries-slowly.ts';
import { UnpublishedNotices, unpublishedToldMs } from './unpublished-notices.ts';

triesSlowly();

const server = serverIn(0);
const idle = { [server]: 1 };
const firing = `firing silent ${server}`;
const resolved = `resolved silent ${server}`;
const boundSeconds = unpublishedToldMs / 1_000;
/** Whoever cannot write into the log tries again within this. */
const retrySeconds = 6;

/** Of two collectors the one that has the server. */
async function two(fleet: AlertFleet) {
  const members = [fleet.start('one'), fleet.start('two')];
  await fleet.run(60, idle);
  const owner = members.find(({ registry }) => registry.find(server, '')?.isOurs === true);
  if (owner === undefined) throw new Error('nobody has it');
  return owner;
}

const nothingGetsIn = ({ log }: AlertFleet): void => log.failSends(1_000_000);
const allGetsIn = ({ log }: AlertFleet): void => log.failSends(0);

/** The server is silent, as its owner has just judged; the topic does not have it. */
async function silent(fleet: AlertFleet, owner: Member): Promise<void> {
  nothingGetsIn(fleet);
  await until(fleet, {}, () => owner.alerts.includes(firing));
  expect(fleet.topic().has(`silent|${server}`)).toBe(false);
}

async function until(
  fleet: AlertFleet,
  cpu: Readonly<Record<string, number>>,
  isSo: () => boolean,
): Promise<void> {
  for (let seconds = 0; seconds < 200 && !isSo(); seconds += 1) await fleet.run(1, cpu);
  expect(isSo()).toBe(true);
}

it('who is killed before the topic has a silence has told nobody of it, so it is told under one id', async () => {
  const fleet = alertFleet();
  const owner = await two(fleet);
  await silent(fleet, owner);
  await fleet.run(boundSeconds - 2);
  expect(fleet.told()).toEqual([]);
  owner.kill();
  allGetsIn(fleet);
  await until(fleet, {}, () => fleet.told().length > 0);
  await fleet.run(60, idle);
  expect(fleet.told()).toEqual([firing, resolved]);
  expect(new Set(fleet.arrived.map(({ id }) => id)).size).toBe(1);
  expect(fleet.arrived.map(({ by }) => by)).not.toContain(owner.name);
});

it('it is told when the topic has it, and who goes on after a kill repeats it under that id', async () => {
  const fleet = alertFleet();
  const owner = await two(fleet);
  await silent(fleet, owner);
  await fleet.run(2);
  expect(fleet.told()).toEqual([]);
  fleet.receiver.killsNext = true;
  allGetsIn(fleet);
  await fleet.run(retrySeconds);
  expect(fleet.arrived).toMatchObject([{ status: 'firing', by: owner.name }]);
  expect(owner.db.isOpen).toBe(false);
  await fleet.run(60);
  await fleet.run(60, idle);
  expect(fleet.told()).toEqual([firing, firing, resolved]);
  expect(new Set(fleet.arrived.map(({ id }) => id)).size).toBe(1);
});

it('its end waits for the topic, too: who is killed before has not told it', async () => {
  const fleet = alertFleet();
  const owner = await two(fleet);
  await until(fleet, {}, () => fleet.told().length > 0);
  nothingGetsIn(fleet);
  await until(fleet, idle, () => owner.alerts.includes(resolved));
  await fleet.run(boundSeconds - 2, idle);
  expect(fleet.told()).toEqual([firing]);
  owner.kill();
  allGetsIn(fleet);
  await fleet.run(60, idle);
  expect(fleet.told()).toEqual([firing, resolved]);
  expect(fleet.arrived[1]?.by).not.toBe(owner.name);
});

it('people hear of it although nothing can be written into the topic, only later', async () => {
  const fleet = alertFleet();
  const owner = await two(fleet);
  await silent(fleet, owner);
  await fleet.run(boundSeconds - 1);
  expect(fleet.told()).toEqual([]);
  await fleet.run(1);
  expect(fleet.told()).toEqual([firing]);
  allGetsIn(fleet);
  await fleet.run(retrySeconds);
  await fleet.run(60, idle);
  expect(fleet.told()).toEqual([firing, resolved]);
});

it.each([
  { what: 'when the topic has it', gets: allGetsIn, afterSeconds: retrySeconds },
  { what: 'though it cannot be written', gets: nothingGetsIn, afterSeconds: boundSeconds },
])('what a restart finds in its store alone is told $what', async ({ gets, afterSeconds }) => {
  const fleet = alertFleet();
  const one = fleet.start('one');
  await fleet.run(60, idle);
  await silent(fleet, one);
  one.kill();
  fleet.start('one');
  // Longer than it takes to have its share again.
  await fleet.run(3);
  expect(fleet.told()).toEqual([]);
  gets(fleet);
  await fleet.run(afterSeconds);
  expect(fleet.arrived).toMatchObject([{ status: 'firing', by: 'one' }]);
});

it('a notice waits until the topic has it or its time is over, and is not kept for longer', () => {
  const clock = createManualClock();
  const notices = new UnpublishedNotices(clock);
  const first = { id: 'first', status: 'firing' } as const;
  const second = { id: 'second', status: 'firing' } as const;
  notices.add(first);
  clock.advance(unpublishedToldMs - 1);
  // Once more, as after a slot came back: it waits no longer for that.
  notices.add(first);
  notices.add(second);
  expect(notices.isHeld(first)).toBe(true);
  expect(notices.isHeld({ ...first, status: 'resolved' })).toBe(false);
  const marks = notices.among([second]);
  clock.advance(1);
  expect(notices.isHeld(first)).toBe(false);
  expect(notices.isHeld(second)).toBe(true);
  expect(notices.published(marks)).toBe(true);
  expect(notices.published(marks)).toBe(false);
  expect(notices.isHeld(second)).toBe(false);
  notices.add(second);
  expect(notices.among([first, second])).toHaveLength(1);
});
