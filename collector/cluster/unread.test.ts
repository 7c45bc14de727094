/** What seems silent may only wait in the log, where a collector cannot read for a while. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { goodbye, steady } from '../ingest/testing/records.ts';
import { send } from './testing/members.ts';
import { finals, fleet, pc } from './testing/stage.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Fleet = ReturnType<typeof fleet>;

const next = { server_id: 'pc', boot_id: 'next' };
const sendNext = (f: Fleet, seq: number): void =>
  send(f, steady(f.clock.wallMs(), 1, { seq, boot_id: 'next' }), next);

it('windows of one that was off and is back wait for what is in the log of it', async () => {
  const f = fleet();
  const member = await f.start('one');
  await f.sendEachSecond(30);
  send(f, [goodbye('pc', pc.boot_id, f.clock.wallMs())], pc);
  await f.pass(1);
  member.storing(false);
  // Of this the store says that it cannot; what is behind it is not read.
  send(f, steady(f.clock.wallMs(), 1, { server_id: 'other' }), { server_id: 'other' });
  await f.pass(2);
  for (let i = 0; i < 60; i += 1) {
    sendNext(f, i);
    await f.pass(1);
  }
  member.storing(true);
  await f.pass(5);
  const ofPc = finals(member).filter(({ serverId }) => serverId === 'pc');
  const ended = ofPc.map(({ endMs, samples }) => [(endMs - f.fromMs) / 1_000, samples]);
  expect(ended.slice(0, 7)).toEqual([
    [10, 10],
    [20, 20],
    [30, 30],
    [40, 27],
    [50, 27],
    [60, 27],
    [70, 30],
  ]);
  expect(member.ingest.counts).toMatchObject({ late: 0, lost: 0 });
});

it('nobody is called silent whose samples are in the log', async () => {
  const rules = 'rules:\n  - { name: gone, about: Not heard., silent: 60s, severity: warning }';
  const f = fleet();
  const member = await f.start('one', rules);
  await f.sendEachSecond(30);
  member.storing(false);
  await f.sendEachSecond(120, 30);
  member.storing(true);
  await f.sendEachSecond(30, 150);
  expect(member.alerts).toEqual([]);
  await f.pass(80);
  expect(member.alerts).toEqual(['firing gone pc']);
});
