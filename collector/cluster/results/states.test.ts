import { expect, it } from 'vitest';
import { noonMs } from '../../../runtime/testing/manual-clock.ts';
import { goodbye, steady } from '../../ingest/testing/records.ts';
import { published, recordOf, serverOf, stateOf, useCollectors } from './testing/collectors.ts';
import { settle } from './testing/rig.ts';

const fixture = useCollectors();

it('goodbye, and back', async () => {
  const { start, clock } = fixture();
  const [one, two] = [start('one'), start('two')];
  await one.send(steady(noonMs, 40), { boot_id: 'boot', server_id: 'pc' });
  await one.send([goodbye()], { boot_id: 'boot', server_id: 'pc' });
  await one.pass(1);
  expect(stateOf(two, clock)).toBe('off');
  await one.send(steady(noonMs + 60_000, 30, { boot_id: 'next' }), {
    boot_id: 'next',
    server_id: 'pc',
  });
  await one.pass(1);
  expect(stateOf(two, clock)).toBe('up');
});

it('silence, whether or not its owner tells it', async () => {
  const { start, clock, log } = fixture();
  const [one, two] = [start('one'), start('two')];
  await one.send(steady(noonMs, 40));
  await one.pass(121);
  expect(stateOf(two, clock)).toBe('silent');
  expect(published(log).at(-1)).toMatchObject({ state: 'silent' });
  const three = start('three');
  await settle();
  expect(stateOf(three, clock)).toBe('silent');
});

it('a clock that is off, and right again', async () => {
  const { start, clock } = fixture();
  const [one, two] = [start('one'), start('two')];
  const header = { boot_id: 'boot', server_id: 'pc' };
  await one.send(steady(noonMs, 40), header);
  await one.send([], { ...header, sent_at: clock.wallMs() + 9_000 });
  await one.pass(1);
  expect(stateOf(two, clock)).toBe('skewed');
  await one.pass(70);
  await one.send([], header);
  await one.pass(1);
  expect(stateOf(two, clock)).toBe('up');
});

it('decommissioned, by its own collector or by another', async () => {
  const { start, clock } = fixture();
  const [one, two] = [start('one'), start('two')];
  await one.send(steady(noonMs, 40));
  await settle();
  for (const [by, other] of [
    [one, two],
    [two, one],
  ] as const) {
    const done = by.ingest.decommission(serverOf(by));
    await settle();
    await done;
    by.results.tell(serverOf(by));
    await settle();
    expect(stateOf(other, clock), 'decommissioned').toBe('decommissioned');
    const next = noonMs + (by === one ? 40_000 : 80_000);
    await one.send(steady(next, 30, { seq: (next - noonMs) / 1_000 }));
    await settle();
    expect([one, two].map((each) => stateOf(each, clock))).toEqual(['up', 'up']);
  }
});

it('the page is told of new servers, of their state and of each window of now', async () => {
  const { start } = fixture();
  const [one, two] = [start('one'), start('two')];
  await one.send(steady(noonMs, 40));
  await settle();
  expect(two.told).toEqual(['changed pc', 'window pc', 'window pc', 'window pc']);
  expect(serverOf(two).values[0]).toBe(14.5);
  expect(serverOf(two).newestMs).toBe(noonMs + 30_000);
  await one.send([goodbye()], { boot_id: 'boot', server_id: 'pc' });
  await one.pass(1);
  expect(two.told.slice(4)).toEqual(['changed pc']);
});

it('a late word of the former collector changes nothing of a server that is ours', async () => {
  const { start, log, clock } = fixture();
  const one = start('one');
  await one.send(steady(noonMs, 60));
  await settle();
  const [good] = published(log);
  if (good === undefined) throw new Error('nothing published');
  const owner = { ...good.owner, id: 'x', run: 'x', url: 'http://x' };
  log.append(recordOf({ ...good, owner, state: 'off', last_seen_ms: clock.wallMs() }));
  await settle();
  expect(stateOf(one, clock)).toBe('up');
  expect(serverOf(one)).toMatchObject({ isOurs: true, owner: undefined, idleClosed: false });
});

it('a collector whose clock is ahead makes no server heard for ever', async () => {
  const { start, log, clock } = fixture();
  const one = start('one');
  await one.send(steady(noonMs, 60));
  await settle();
  const [good] = published(log);
  if (good === undefined) throw new Error('nothing published');
  const owner = { ...good.owner, id: 'x', run: 'x' };
  const ahead = { ...good, server_id: 'other', owner, last_seen_ms: clock.wallMs() + 3_600_000 };
  log.append(recordOf(ahead));
  await settle();
  expect(serverOf(one, 'other').lastSeenMs).toBe(clock.wallMs());
  await one.pass(121);
  expect(stateOf(one, clock, 'other')).toBe('silent');
  // And its next word counts.
  log.append(recordOf({ ...ahead, state: 'off', last_seen_ms: clock.wallMs() }));
  await settle();
  expect(stateOf(one, clock, 'other')).toBe('off');
});
