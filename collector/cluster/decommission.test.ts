/** A server that a person took off the lists stays off them, whoever has it next. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WINDOW_RESULTS_TOPIC, type WindowResult } from '../../wire/records/window-result.ts';
import { conditionOf } from '../api/figures.ts';
import type { Member } from './testing/members.ts';
import { finals, fleet, samples } from './testing/stage.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Fleet = ReturnType<typeof fleet>;

function serverOf({ registry }: Member) {
  const source = registry.find('pc', '');
  if (source === undefined) throw new Error('no pc');
  return source;
}

const stateAt = (member: Member, { clock }: Fleet) => conditionOf(serverOf(member), clock.wallMs());

/** As `server rm` does. */
async function takeOff(member: Member, f: Fleet): Promise<void> {
  const stored = member.ingest.decommission(serverOf(member));
  await vi.advanceTimersByTimeAsync(100);
  await stored;
  member.cluster.tell(serverOf(member));
  await f.pass(1);
}

const told = ({ log }: Fleet): string[] =>
  log
    .records(WINDOW_RESULTS_TOPIC)
    .map(({ value }) => (JSON.parse(String(value)) as WindowResult).state);

it('samples of before, which its open windows need, do not bring it back at a take-over', async () => {
  const f = fleet();
  const one = await f.start('one');
  await f.sendEachSecond(33);
  await takeOff(one, f);
  one.kill();
  const two = await f.start('two');
  await f.pass(5);
  // They have come, and fill its windows.
  expect(serverOf(two).isOurs).toBe(true);
  expect(samples(two).length).toBeGreaterThan(0);
  expect(stateAt(two, f)).toBe('decommissioned');
  expect(told(f).at(-1)).toBe('decommissioned');
  await f.sendEachSecond(30, 33);
  expect(stateAt(two, f)).toBe('up');
  expect(finals(two).length).toBeGreaterThan(0);
});

it('what it sent since brings it back, also where nobody was there to take it in', async () => {
  const f = fleet();
  const one = await f.start('one');
  await f.sendEachSecond(33);
  await takeOff(one, f);
  one.kill();
  // Behind the windows that were told of it.
  await f.sendEachSecond(40, 33);
  const two = await f.start('two');
  await f.pass(5);
  expect(stateAt(two, f)).toBe('up');
});

it('the word of it is told though it waits when its slot leaves', async () => {
  const f = fleet();
  const one = await f.start('one');
  await f.sendEachSecond(33);
  f.log.failSends(1_000);
  // The windows of these seconds are on their way, again and again; the word waits behind them.
  await f.sendEachSecond(12, 33);
  await takeOff(one, f);
  expect(told(f)).not.toContain('decommissioned');
  const two = await f.start('two');
  const three = await f.start('three');
  await f.pass(5);
  expect(serverOf(one).isOurs).toBe(false);
  f.log.failSends(0);
  await f.pass(20);
  for (const member of [one, two, three]) {
    expect(stateAt(member, f), member.name).toBe('decommissioned');
  }
});
