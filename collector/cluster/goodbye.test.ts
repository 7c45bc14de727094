/** What a server that was switched off leaves in the log. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { BatchHeader } from '../../wire/records/batch.ts';
import { goodbye, steady } from '../ingest/testing/records.ts';
import { storedWindows } from '../store/history.ts';
import { type Member, send } from './testing/members.ts';
import { finals, fleet, pc } from './testing/stage.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Fleet = ReturnType<typeof fleet>;

function sayGoodbye(f: Fleet, header: Partial<BatchHeader> = {}): void {
  send(f, [goodbye('pc', pc.boot_id, f.clock.wallMs())], { ...pc, ...header });
}

const provisional = ({ db }: Member) =>
  [...storedWindows(db, { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER })].filter((w) => !w.final);
/** Ends of the final windows, s since the first sample, and how many samples are in each. */
const ended = (f: Fleet, member: Member) =>
  finals(member).map(({ endMs, samples }) => [(endMs - f.fromMs) / 1_000, samples]);
const allOf60 = [
  [10, 10],
  [20, 20],
  [30, 30],
  [40, 30],
  [50, 30],
  [60, 30],
  [70, 20],
  [80, 10],
];

it('its last windows become final once its clock has passed them, and the log is let go', async () => {
  const f = fleet();
  const member = await f.start('one');
  await f.sendEachSecond(60);
  sayGoodbye(f);
  await f.pass(20);
  expect(f.committed()).toBe(30);
  expect(provisional(member)).toHaveLength(3);
  await f.pass(20);
  expect(ended(f, member)).toEqual(allOf60);
  expect(provisional(member)).toEqual([]);
  expect(f.committed()).toBe(61);
});

it('a boot that comes back within them counts in them', async () => {
  const f = fleet();
  const member = await f.start('one');
  await f.sendEachSecond(60);
  sayGoodbye(f);
  await f.pass(5);
  const next = { server_id: 'pc', boot_id: 'next' };
  for (let i = 0; i < 60; i += 1) {
    send(f, steady(f.clock.wallMs(), 1, { seq: i, boot_id: 'next' }), next);
    await f.pass(1);
  }
  expect(ended(f, member).slice(5, 9)).toEqual([
    [60, 30],
    [70, 25],
    [80, 25],
    [90, 25],
  ]);
  expect(member.ingest.counts).toMatchObject({ late: 0, lost: 0 });
});

it('one whose samples wait still keeps its windows open, and they are filled when it is back', async () => {
  const f = fleet();
  const member = await f.start('one');
  await f.sendEachSecond(40);
  // What it measured from then on could not be sent.
  await f.pass(20);
  sayGoodbye(f, { pending_from_ms: f.fromMs + 40_000 });
  await f.pass(600);
  expect(ended(f, member)).toEqual(allOf60.slice(0, 4));
  expect(f.committed()).toBe(20);
  const backlog = steady(f.fromMs + 40_000, 20, { seq: 40 });
  send(f, backlog, { server_id: 'pc', boot_id: 'boot', sent_by: 'next' });
  await f.pass(1);
  send(f, steady(f.clock.wallMs(), 1, { seq: 0, boot_id: 'next' }), {
    server_id: 'pc',
    boot_id: 'next',
  });
  await f.pass(2);
  expect(ended(f, member)).toEqual(allOf60);
  expect(member.ingest.counts).toMatchObject({ late: 0, lost: 0 });
});

it('a goodbye in the batch of the last samples says as much, read once or again', async () => {
  const f = fleet();
  const first = await f.start('one');
  await f.sendEachSecond(58);
  const [last, end] = [steady(f.clock.wallMs(), 2, { seq: 58 }), goodbye('pc', 'boot', 0)];
  send(f, [...last, end], pc);
  await f.pass(2);
  first.kill();
  const second = await f.start('one');
  await f.pass(40);
  expect(ended(f, second)).toEqual(allOf60);
  expect(f.committed()).toBe(61);
});

/** A server whose clock is that far ahead of ours says goodbye after 61 samples. */
async function sendAhead(f: Fleet, aheadMs: number): Promise<void> {
  for (let i = 0; i < 61; i += 1) {
    const sent_at = f.clock.wallMs() + aheadMs;
    send(f, steady(sent_at, 1, { seq: i }), { ...pc, sent_at });
    await f.pass(1);
  }
  sayGoodbye(f, { sent_at: f.clock.wallMs() + aheadMs });
}

it.each([0, -3_600_000])('its own clock counts, %i ms ahead', async (aheadMs) => {
  const f = fleet();
  const member = await f.start('one');
  await sendAhead(f, aheadMs);
  await f.pass(32);
  // The last one ends 30 s after the last sample.
  expect(provisional(member).map(({ endMs }) => endMs - f.fromMs)).toEqual([90_000 + aheadMs]);
  await f.pass(8);
  expect(provisional(member)).toEqual([]);
});

it('of one whose clock is ahead nothing is final that ours has not passed', async () => {
  const f = fleet();
  const member = await f.start('one');
  await sendAhead(f, 600_000);
  await f.pass(60);
  expect(finals(member)).toEqual([]);
  await f.pass(600);
  expect(provisional(member)).toEqual([]);
});

it('who takes the log over does not close what the clock of a server has not passed', async () => {
  const f = fleet();
  const first = await f.start('one');
  await sendAhead(f, -3_600_000);
  await f.pass(1);
  first.kill();
  const second = await f.start('two');
  await f.pass(3);
  // It was sent an hour ago by its sender's clock.
  expect(provisional(second)).toHaveLength(4);
  await f.pass(40);
  expect(provisional(second)).toEqual([]);
  expect(f.committed()).toBe(62);
});

it('one that fell silent without a word keeps its windows open', async () => {
  const f = fleet();
  const member = await f.start('one');
  await f.sendEachSecond(60);
  // Of a run before, and only now in the log; nothing else waits at its sender.
  send(f, [goodbye('pc', 'earlier', f.fromMs)], pc);
  await f.pass(600);
  expect(provisional(member)).toHaveLength(3);
  expect(f.committed()).toBe(30);
});
