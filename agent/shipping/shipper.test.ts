import { expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import type { Batch } from '../../wire/records/batch.ts';
import type { SendAck } from '../../wire/transport/port.ts';
import { liveRecordsMax } from '../outbox/durable.ts';
import { createMemoryOutbox } from '../outbox/testing/memory-outbox.ts';
import { Shipper } from './shipper.ts';

type Answer = SendAck | Error;

const ack: SendAck = { stored: 1, duplicates: 0, quarantined: 0, now: 0 };
const away = new WindrowError('unreachable', 'nobody there', { retryable: true });
const refused = new WindrowError('refused', 'not this one');

/** A shipper whose sender answers what the test lists, and then always `ack`, after `answerMs`. */
function fixture(answers: readonly Answer[] = [], { random = 0.5, answerMs = 0 } = {}) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const outbox = createMemoryOutbox('boot');
  const clock = createManualClock();
  const { log, lines } = createKeptLog();
  const sent: Batch[] = [];
  const left = [...answers];
  const sender = {
    async send(batch: Batch): Promise<SendAck> {
      sent.push(batch);
      const answer = left.shift() ?? ack;
      if (answerMs > 0) await new Promise((resolve) => setTimeout(resolve, answerMs));
      if (answer instanceof Error) throw answer;
      return answer;
    },
    async close() {},
  };
  const identity = { serverId: 'pc', bootId: 'boot' };
  const paced = {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs() + performance.now(),
  };
  const shipper = new Shipper({
    outbox,
    sender,
    identity,
    receiver: 'the collector',
    clock: paced,
    random: () => random,
    log,
  });
  const stopping = new AbortController();
  const running = (): Promise<void> => shipper.run(stopping.signal);
  onTestFinished(() => {
    stopping.abort();
    vi.useRealTimers();
  });
  let seq = 0;
  const add = (count: number): void => {
    for (let i = 0; i < count; i += 1) {
      outbox.add({ line: `${seq}`, atMs: 1_000 * seq, seq });
      seq += 1;
    }
    shipper.notify();
  };
  return { shipper, outbox, clock, sent, lines, add, stopping, running };
}

function seqsOf(batch: Batch | undefined): number[] {
  return batch?.records.map((record) => ('line' in record ? Number(record.line) : -1)) ?? [];
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

it('sends the newest first, and behind it all the rest from the oldest on', async () => {
  const { outbox, sent, add, running } = fixture();
  add(300);
  void running();
  await settle(60_000);
  const newest = 300 - liveRecordsMax;
  expect(sent.map(seqsOf)).toEqual([
    range(newest, 300),
    range(0, 120),
    range(120, 240),
    range(240, newest),
  ]);
  expect(outbox.size).toBe(0);
});

it('a tick goes out at once while a batch of the backlog is on its way', async () => {
  const { outbox, sent, add, running } = fixture([], { answerMs: 5_000 });
  add(500);
  void running();
  await settle(5_000);
  expect(outbox.size).toBe(500 - liveRecordsMax - 120);
  // The pause after the backlog's batch is over in 5 s; that one is on its way when the tick comes.
  await settle(6_000);
  add(1);
  await settle();
  expect(sent.map(seqsOf).slice(2)).toEqual([range(120, 240), [500]]);
});

it('each lane has one batch on its way at a time', async () => {
  const { sent, add, running } = fixture([], { answerMs: 5_000 });
  add(1_000);
  void running();
  for (let second = 0; second < 4; second += 1) {
    await settle(1_000);
    add(1);
  }
  expect(sent.map(({ records }) => records.length)).toEqual([liveRecordsMax, 120]);
  await settle(1_000);
  expect(seqsOf(sent[2])).toEqual(range(1_000, 1_004));
});

it('leaves the collector at least half of its time, and takes no more than 600 records a second', async () => {
  const { sent, add, running } = fixture([], { answerMs: 1_000 });
  add(10_000);
  void running();
  await settle(60_000);
  expect(sent.length).toBeGreaterThan(25);
  expect(sent.length).toBeLessThanOrEqual(32);
  const quick = fixture();
  quick.add(100_000);
  void quick.running();
  await settle(10_000);
  const records = quick.sent.reduce((sum, batch) => sum + batch.records.length, 0);
  expect(records).toBeGreaterThan(5_000);
  expect(records).toBeLessThanOrEqual(600 * 10 + 2 * 120);
});

it('a day of samples drains in ten minutes while each new one is sent within its second', async () => {
  const { outbox, sent, add, running } = fixture([], { answerMs: 30 });
  add(86_400);
  void running();
  let seconds = 0;
  for (; outbox.size > 1 && seconds < 600; seconds += 1) {
    add(1);
    await settle(1_000);
    const newest = 86_400 + seconds;
    expect(sent.some((batch) => seqsOf(batch).includes(newest))).toBe(true);
    sent.length = 0;
  }
  expect(seconds).toBeLessThan(600);
});

it('the backlog waits while live samples fail, and starts when they get through', async () => {
  const { sent, add, running } = fixture([away, away, away]);
  add(200);
  void running();
  await settle();
  // Live and backlog found the collector away.
  expect(sent.map(({ records }) => records.length)).toEqual([liveRecordsMax, 120]);
  // Both have waited 250 ms; the live batch fails again, and the backlog is not even tried.
  await settle(250);
  expect(sent.slice(2).map(seqsOf)).toEqual([range(200 - liveRecordsMax, 200)]);
  await settle(500);
  expect(sent.slice(3).map(seqsOf)).toEqual([range(200 - liveRecordsMax, 200), range(0, 120)]);
});

it('a backlog that fails holds up no live sample', async () => {
  const slow = new WindrowError('overloaded', 'slow', { retryable: true, retryAfterMs: 60_000 });
  const { sent, lines, add, running } = fixture([ack, slow]);
  add(200);
  void running();
  await settle();
  for (let tick = 0; tick < 5; tick += 1) {
    add(1);
    await settle(1_000);
  }
  expect(sent.slice(2).map(seqsOf)).toEqual([[200], [201], [202], [203], [204]]);
  expect(lines.map(({ msg }) => msg)).toEqual(['slow; older samples wait']);
  await settle(60_000);
  expect(sent.slice(7).map(({ records }) => records.length)).toEqual([120, 50]);
  expect(lines.at(-1)?.msg).toBe('older samples are taken again');
});

it('sleeps while there is nothing, and ships at once what is added then', async () => {
  const { sent, add, running } = fixture();
  void running();
  await settle(60_000);
  expect(sent).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
  add(1);
  await settle();
  expect(sent.length).toBe(1);
});

it('each batch says what else waits, from when on, and below which number none will come', async () => {
  const { clock, sent, add, running } = fixture();
  add(liveRecordsMax + 2);
  void running();
  await settle();
  expect(sent.map(({ header }) => header)).toEqual([
    {
      v: 1,
      server_id: 'pc',
      boot_id: 'boot',
      sent_at: clock.wallMs(),
      pending_from_ms: 0,
      oldest_outstanding_seq: 0,
      waiting: 2,
    },
    {
      v: 1,
      server_id: 'pc',
      boot_id: 'boot',
      sent_at: clock.wallMs(),
      pending_from_ms: 2_000,
      oldest_outstanding_seq: 0,
      waiting: liveRecordsMax,
    },
  ]);
});

it('after an outage each batch says how much waits, the live ones too, until nothing does', async () => {
  const { sent, add, running } = fixture([away, away]);
  add(400);
  void running();
  await settle();
  sent.length = 0;
  let made = 400;
  for (let second = 0; second < 4; second += 1) {
    await settle(1_000);
    add(1);
    made += 1;
  }
  await settle();
  let left = 400;
  const live = sent.filter((batch) => (seqsOf(batch)[0] ?? 0) >= 400 - liveRecordsMax);
  expect(live.length).toBeGreaterThan(2);
  expect(sent.length).toBeGreaterThan(live.length + 2);
  for (const batch of sent) {
    // A tick adds one, and is sent before anything else is.
    if ((seqsOf(batch)[0] ?? 0) >= 400) left += 1;
    left -= batch.records.length;
    expect(batch.header.waiting).toBe(left === 0 ? undefined : left);
  }
  expect([left, seqsOf(sent.at(-1)).at(-1)]).toEqual([0, made - 1]);
});

it('what was refused for good is told as dropped', async () => {
  const { sent, add, running } = fixture([refused]);
  add(3);
  void running();
  await settle();
  add(1);
  await settle();
  expect(sent[1]?.header).toMatchObject({ dropped: 3, oldest_outstanding_seq: 3 });
});

it('waits longer and longer while the collector is away, by chance between 0 and twice as much each time', async () => {
  const { sent, add, running } = fixture([away, away, away, away]);
  add(1);
  void running();
  await settle();
  // Half of 500, 1,000, 2,000 and 4,000 ms.
  for (const waitMs of [250, 500, 1_000, 2_000]) {
    const before = sent.length;
    await settle(waitMs - 1);
    expect(sent.length).toBe(before);
    await settle(1);
    expect(sent.length).toBe(before + 1);
  }
});

it('never waits longer than 30 s, and after a success begins at the shortest wait again', async () => {
  const { sent, add, running } = fixture([...Array.from({ length: 20 }, () => away), ack, away], {
    random: 0.999,
  });
  add(1);
  void running();
  await settle(20 * 30_000);
  expect(sent.length).toBe(21);
  add(1);
  await settle();
  expect(sent.length).toBe(22);
  await settle(500);
  expect(sent.length).toBe(23);
});

it('waits as long as the collector asks, and some by chance, so that agents do not come in step', async () => {
  const later = new WindrowError('overloaded', 'slow', { retryable: true, retryAfterMs: 5_000 });
  const { sent, add, running } = fixture([later]);
  add(1);
  void running();
  await settle(5_249);
  expect(sent.length).toBe(1);
  await settle(1);
  expect(sent.length).toBe(2);
});

it('keeps every sample while the collector is away, and sends the same ones again', async () => {
  const { outbox, sent, add, running } = fixture([away, away]);
  add(3);
  void running();
  await settle(10_000);
  expect(sent.map(seqsOf)).toEqual([
    [0, 1, 2],
    [0, 1, 2],
    [0, 1, 2],
  ]);
  expect(outbox.size).toBe(0);
});

it('a batch that is refused for good is dropped and told; those behind it go on', async () => {
  const { outbox, sent, lines, add, running } = fixture([refused]);
  add(125);
  void running();
  await settle();
  expect(sent.map(({ records }) => records.length)).toEqual([liveRecordsMax, 95]);
  expect([outbox.size, outbox.dropped]).toEqual([0, liveRecordsMax]);
  expect(lines).toMatchObject([{ level: 'error', records: liveRecordsMax, error: 'not this one' }]);
});

it('of a batch that is taken but for some, these alone are dropped and told', async () => {
  const { outbox, sent, lines, add, running } = fixture([{ ...ack, refused: [1] }]);
  add(3);
  void running();
  await settle();
  expect([outbox.size, outbox.dropped]).toEqual([0, 1]);
  expect(lines).toMatchObject([{ level: 'error', records: 1 }]);
  add(1);
  await settle();
  expect(sent).toHaveLength(2);
  expect(sent[1]?.header).toMatchObject({ dropped: 1, oldest_outstanding_seq: 3 });
});

it('a wrong token keeps the samples: an operator can mend it while the agent runs', async () => {
  const unauthorized = new WindrowError('unauthorized', 'who are you', {
    retryable: true,
    hint: 'make a token',
  });
  const { outbox, lines, add, running } = fixture([unauthorized, unauthorized]);
  add(3);
  void running();
  await settle();
  expect(outbox.size).toBe(3);
  expect(lines).toMatchObject([{ level: 'warn', hint: 'make a token', waiting: 3 }]);
  await settle(10_000);
  expect(outbox.size).toBe(0);
});

it('an outage is told once, then every five minutes, and its end once', async () => {
  const { clock, lines, add, running } = fixture(
    Array.from({ length: 8 }, () => away),
    { random: 0.999 },
  );
  add(1);
  void running();
  await settle(3_000);
  expect(lines.map(({ msg }) => msg)).toEqual(['nobody there; samples wait']);
  clock.advance(5 * 60_000);
  await settle(120_000);
  expect(lines.map(({ msg }) => msg)).toEqual([
    'nobody there; samples wait',
    'nobody there; samples wait',
    'the collector is back',
  ]);
});

it('records that the collector put aside are told', async () => {
  const { lines, add, running } = fixture([{ ...ack, quarantined: 2 }]);
  add(3);
  void running();
  await settle();
  expect(lines).toMatchObject([{ level: 'warn', records: 2 }]);
});

it('stopping ends a wait at once and keeps what is unsent', async () => {
  const { outbox, add, stopping, running } = fixture([away], { random: 0.999 });
  add(1);
  const run = running();
  await settle();
  stopping.abort();
  await run;
  expect(outbox.size).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

it('the farewell sends all that waits, and fails at the first refusal instead of waiting', async () => {
  const { shipper, outbox, sent, add } = fixture([ack, away]);
  add(250);
  await expect(shipper.flush(new AbortController().signal)).rejects.toThrow('nobody there');
  expect(sent.length).toBe(2);
  expect(outbox.size).toBe(250 - liveRecordsMax);
  await shipper.flush(new AbortController().signal);
  expect(outbox.size).toBe(0);
});

it('the last word takes no backlog with it', async () => {
  const { shipper, outbox, sent, add } = fixture();
  add(250);
  await shipper.flushLive(new AbortController().signal);
  expect(sent.map(seqsOf)).toEqual([range(250 - liveRecordsMax, 250)]);
  expect(outbox.size).toBe(250 - liveRecordsMax);
});
