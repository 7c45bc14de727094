import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import type { BlockChunk } from '../../wire/records/block-chunk.ts';
import { AwaitedAcks } from './awaited-acks.ts';
import { BlockSender } from './block-sender.ts';
import type { SendEvent } from './events.ts';
import { openJournal } from './journal.ts';
import { PatientCarrier } from './patience.ts';
import { planTransfer, type PreparedChunk } from './plan.ts';
import type { Done } from './stages.ts';
import { ackOf } from './testing/memory-receiver.ts';

const minuteMs = 60_000;
const sha256 = 'a'.repeat(64);
const chunks = 4;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A block of four chunks, sent through a log that takes everything; the test answers. */
function sending() {
  const journal = openJournal({
    path: `${temporaryFolder()}/transfers.db`,
    clock: systemClock,
    onDamage: () => {},
  });
  onTestFinished(() => journal.close());
  const version = { sizeBytes: chunks, mtimeNs: 1n, inode: 1n };
  const file = { path: '/file', relativePath: 'file', version };
  const transfer = planTransfer(file, { sender: 'pc', blockBytes: chunks });
  const { key } = journal.begin('log', transfer);
  const awaited = new AwaitedAcks();
  const seen: BlockChunk[] = [];
  const events: SendEvent[] = [];
  const world = { onChunk: (_record: BlockChunk) => {} };
  const tell = (event: SendEvent): void => void events.push(event);
  const carrier = new PatientCarrier({
    carrier: {
      target: 'log',
      async send({ record }) {
        seen.push(record);
        world.onChunk(record);
        return { nextChunk: record.chunk + 1 };
      },
      close: async () => {},
    },
    clock: systemClock,
    random: () => 0,
    tell,
  });
  const sender = new BlockSender({
    carrier,
    awaited,
    journal,
    reader: {
      blocksAtOnce: 64,
      engine: 'openssl',
      read: prepared,
      get done() {
        return doneNow();
      },
    },
    clock: systemClock,
    random: () => 0,
    tell,
  });
  const answer = (record: BlockChunk, success: boolean, isLater = false): void => {
    const ack = ackOf(record, success, success ? sha256 : undefined);
    awaited.take(isLater ? { ...ack, later: true } : ack);
  };
  const stopping = new AbortController();
  onTestFinished(() => stopping.abort());
  const send = (block = 0) => sender.send({ transfer, key, block }, stopping.signal);
  const kinds = (...wanted: SendEvent['kind'][]) =>
    events.map(({ kind }) => kind).filter((kind) => wanted.includes(kind));
  const told = (wanted: SendEvent['kind']) => events.filter(({ kind }) => kind === wanted);
  const stop = () => stopping.abort();
  return {
    send,
    seen,
    world,
    answer,
    kinds,
    told,
    stop,
    isAcknowledged: () => journal.isAcknowledged(key, 0),
  };
}

/** Read and hashed so far. */
let readBytes = 0;
function doneNow(): Done {
  const time = { ms: 2 * readBytes, cpuMs: readBytes };
  return { readBytes, payloadBytes: 0, stages: { read: time, hash: time, compress: time } };
}

async function* prepared(): AsyncGenerator<PreparedChunk, void, void> {
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    readBytes += 10;
    yield {
      chunk,
      rawBytes: 1,
      encoding: 'raw',
      crc32: '00000000',
      payload: new Uint8Array(1),
      sha256: chunk === chunks - 1 ? sha256 : undefined,
    };
  }
}

it('silence is told once for all blocks, and waited for: a module may take ten minutes for a block', async () => {
  const { send, seen, answer, kinds, isAcknowledged } = sending();
  const sent = [send(0), send(1)];
  await vi.advanceTimersByTimeAsync(minuteMs - 1);
  expect(kinds('waiting')).toEqual([]);
  await vi.advanceTimersByTimeAsync(9 * minuteMs);
  expect(kinds('waiting', 'going-on', 'again')).toEqual(['waiting']);
  expect(seen).toHaveLength(2 * chunks);
  for (const record of seen.slice(-2)) answer(record, true);
  await Promise.all(sent);
  expect(isAcknowledged()).toBe(true);
  expect(kinds('waiting', 'going-on', 'again')).toEqual(['waiting', 'going-on']);
});

it('after long silence a block is sent again, more and more rarely, and never fails for it', async () => {
  const { send, seen, answer, kinds } = sending();
  const sent = send();
  const times: number[] = [];
  // What takes no time is done when the minute is looked at.
  await vi.advanceTimersByTimeAsync(1_000);
  for (let minute = 0; minute < 24 * 60; minute += 1) {
    await vi.advanceTimersByTimeAsync(minuteMs);
    if (seen.length / chunks > times.length + 1) times.push(minute + 1);
  }
  // After 16, 31, 61, … minutes: one, and twice as many as the last time.
  expect(times).toEqual([16, 47, 108, 229, 470, 951]);
  expect(kinds('waiting', 'failed')).toEqual(['waiting']);
  const last = seen.at(-1);
  if (last !== undefined) answer(last, true);
  await sent;
});

it('a block that finds no room is sent again as often as it takes, one that is bad five times', async () => {
  const { send, seen, world, answer } = sending();
  let refusals = 12;
  world.onChunk = (record) => {
    if (record.chunk !== 0) return;
    answer(record, false, refusals > 0);
    refusals -= 1;
  };
  const sent = expect(send()).rejects.toThrow('not good');
  await vi.advanceTimersByTimeAsync(1_000);
  await sent;
  expect(seen.filter(({ chunk }) => chunk === 0)).toHaveLength(12 + 6);
});

it('want of room is told once for all blocks, and that it is over when none waits for it', async () => {
  const { send, seen, world, answer, kinds, told } = sending();
  const refusals = [3, 5];
  world.onChunk = (record) => {
    const left = refusals[record.block_number] ?? 0;
    if (record.chunk === 0 && left > 0) {
      refusals[record.block_number] = left - 1;
      answer(record, false, true);
    } else if (record.last !== undefined) answer(record, true);
  };
  const sent = Promise.all([send(0), send(1)]);
  await vi.advanceTimersByTimeAsync(1_000);
  await sent;
  expect(seen.filter(({ chunk }) => chunk === 0)).toHaveLength(8 + 2);
  expect(kinds('waiting', 'going-on', 'again')).toEqual(['waiting', 'going-on']);
  expect(kinds('later')).toHaveLength(8);
  expect(told('waiting')).toMatchObject([
    { reason: 'not good', hint: expect.stringContaining('room') as string },
  ]);
});

it('a sender that is stopped while there is no room does not go on', async () => {
  const { send, world, answer, kinds, stop } = sending();
  let refusals = 0;
  world.onChunk = (record) => {
    answer(record, false, true);
    refusals += 1;
    if (refusals === 3) stop();
  };
  const sent = expect(send()).rejects.toThrow();
  await vi.advanceTimersByTimeAsync(1_000);
  await sent;
  expect(kinds('waiting', 'going-on')).toEqual(['waiting']);
});

it('what failed is sent again at once, and its rest is not', async () => {
  const { send, seen, world, answer, isAcknowledged } = sending();
  world.onChunk = (record) => {
    if (seen.length === 2) answer(record, false);
    if (record.last !== undefined) answer(record, true);
  };
  const sent = send();
  await vi.advanceTimersByTimeAsync(1);
  await sent;
  expect(seen.map(({ chunk }) => chunk)).toEqual([0, 1, 0, 1, 2, 3]);
  expect(isAcknowledged()).toBe(true);
});

it('with a block’s end goes what the stages took since the last one that told it', async () => {
  const { send, seen, world, answer } = sending();
  world.onChunk = (record) => {
    if (record.last !== undefined) answer(record, true);
  };
  for (const block of [0, 1]) {
    await send(block);
    const time = { ms: 20 * chunks, cpu_ms: 10 * chunks };
    expect(seen.splice(0).map(({ last }) => last?.work)).toEqual([
      undefined,
      undefined,
      undefined,
      { read_bytes: 10 * chunks, read: time, hash: time, compress: time },
    ]);
  }
});
