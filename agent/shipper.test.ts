import { expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../runtime/errors.ts';
import { createKeptLog } from '../runtime/testing/kept-log.ts';
import { createManualClock } from '../runtime/testing/manual-clock.ts';
import type { Batch, BatchAck } from '../wire/records/batch.ts';
import { createMemoryOutbox } from './outbox/memory.ts';
import { Shipper } from './shipper.ts';

type Answer = BatchAck | Error;

const ack: BatchAck = { stored: 1, duplicates: 0, quarantined: 0, now: 0 };
const away = new WindrowError('unreachable', 'nobody there', { retryable: true });
const refused = new WindrowError('refused', 'not this one');

/** A shipper whose sender answers what the test lists, and then always `ack`. */
function fixture(answers: readonly Answer[] = [], random = 0.5) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const outbox = createMemoryOutbox(1_000);
  const clock = createManualClock();
  const { log, lines } = createKeptLog();
  const sent: Batch[] = [];
  const left = [...answers];
  let underWay = 0;
  const sender = {
    async send(batch: Batch): Promise<BatchAck> {
      sent.push(batch);
      underWay += 1;
      expect(underWay).toBe(1);
      await Promise.resolve();
      underWay -= 1;
      const answer = left.shift() ?? ack;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    async close() {},
  };
  const identity = { serverId: 'pc', bootId: 'boot' };
  const shipper = new Shipper({ outbox, sender, identity, clock, random: () => random, log });
  const stopping = new AbortController();
  const running = (): Promise<void> => shipper.run(stopping.signal);
  onTestFinished(() => {
    stopping.abort();
    vi.useRealTimers();
  });
  let seq = 0;
  const add = (count: number): void => {
    for (let i = 0; i < count; i += 1) {
      outbox.add({ record: { value: seq }, tsMs: 1_000 * seq, seq });
      seq += 1;
    }
    shipper.notify();
  };
  return { shipper, outbox, clock, sent, lines, add, stopping, running };
}

function seqsOf(batch: Batch | undefined): unknown[] {
  return batch?.records.map(({ value }) => value) ?? [];
}

const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

it('ships everything in order, in batches of bounded size, one on its way at a time', async () => {
  const { outbox, sent, add, running } = fixture();
  add(300);
  void running();
  await settle();
  expect(sent.map(({ records }) => records.length)).toEqual([120, 120, 60]);
  expect(sent.flatMap(seqsOf)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  expect(outbox.size).toBe(0);
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

it('each batch says from when on samples still wait, and below which number none will come', async () => {
  const { clock, sent, add, running } = fixture();
  add(130);
  void running();
  await settle();
  expect(sent.map(({ header }) => header)).toEqual([
    {
      v: 1,
      server_id: 'pc',
      boot_id: 'boot',
      sent_at: clock.wallMs(),
      pending_from_ms: 120_000,
      oldest_outstanding_seq: 0,
    },
    {
      v: 1,
      server_id: 'pc',
      boot_id: 'boot',
      sent_at: clock.wallMs(),
      oldest_outstanding_seq: 120,
    },
  ]);
});

it('a record that is no sample says nothing about sequence numbers', async () => {
  const { shipper, outbox, sent, running } = fixture();
  outbox.add({ record: { value: 'inventory' }, tsMs: 5 });
  shipper.notify();
  void running();
  await settle();
  expect(sent[0]?.header).not.toHaveProperty('oldest_outstanding_seq');
});

it('what is dropped while the collector is away is told as never coming', async () => {
  const { sent, add, running } = fixture([away]);
  add(1_000);
  void running();
  await settle();
  add(200);
  await settle(500);
  const [, second] = sent;
  expect(second?.header.oldest_outstanding_seq).toBe(seqsOf(second)[0]);
  expect(second?.header.oldest_outstanding_seq).toBeGreaterThan(100);
});

it('waits longer and longer while the collector is away, by chance between 0 and twice as much each time', async () => {
  const { sent, add, running } = fixture([away, away, away, away], 0.5);
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
  const { sent, add, running } = fixture(
    [...Array.from({ length: 20 }, () => away), ack, away],
    0.999,
  );
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
  const { sent, add, running } = fixture([later], 0.5);
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
  expect(sent.map(({ records }) => records.length)).toEqual([120, 5]);
  expect(outbox.size).toBe(0);
  expect(lines).toMatchObject([{ level: 'error', records: 120, error: 'not this one' }]);
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
    0.999,
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
  const { outbox, add, stopping, running } = fixture([away], 0.999);
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
  expect(outbox.size).toBe(130);
  await shipper.flush(new AbortController().signal);
  expect(outbox.size).toBe(0);
});
