import { randomBytes } from 'node:crypto';
import { appendFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import fc from '../../runtime/testing/property.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { blockBytesMin, rawChunkBytes } from '../../wire/limits.ts';
import type { BlockAck } from '../../wire/records/block-ack.ts';
import type { BlockCarrier } from '../../wire/transport/block-port.ts';
import { Pipeline } from './pipeline/pipeline.ts';
import { ackOf, MemoryReceiver } from './testing/memory-receiver.ts';
import { expectWhole, type Rig, senderRig, told } from './testing/sender-rig.ts';

/** Two and a half blocks, each of two chunks. */
const fileBytes = 2.5 * blockBytesMin;
/** More than is read before the first of it is sent. */
const longBytes = 16 * blockBytesMin;

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await Pipeline.open({ engine: 'openssl', workers: 1 });
});
afterAll(() => pipeline.close());

function rigOf(files: Readonly<Record<string, Uint8Array>>): Rig {
  return senderRig(pipeline, files);
}

it('every file arrives whole, an empty one as one empty block', async () => {
  const rig = rigOf({
    big: randomBytes(fileBytes),
    empty: Buffer.alloc(0),
    text: Buffer.from('a'),
  });
  const receiver = new MemoryReceiver();
  await rig.send(receiver);
  for (const name of ['big', 'empty', 'text']) expectWhole(rig, receiver, name);
  expect(receiver.stored.get(`${basename(rig.folder)}/empty/0`)).toHaveLength(0);
  expect(told(rig, 'done').sort()).toEqual(['big', 'empty', 'text']);
  expect(told(rig, 'acknowledged').sort()).toEqual([
    'big 0',
    'big 1',
    'big 2',
    'empty 0',
    'text 0',
  ]);
});

it('a second sending reads nothing and sends nothing', async () => {
  const rig = rigOf({ big: randomBytes(fileBytes) });
  await rig.send(new MemoryReceiver());
  const { readBytes } = pipeline.done;
  const receiver = new MemoryReceiver();
  await rig.send(receiver);
  expect(receiver.seen).toEqual([]);
  expect(pipeline.done.readBytes).toBe(readBytes);
  expect(told(rig, 'done')).toEqual(['big', 'big']);
});

it('a stopped sending goes on with the blocks that were not acknowledged', async () => {
  const rig = rigOf({ big: randomBytes(fileBytes) });
  const receiver = new MemoryReceiver();
  const stopping = new AbortController();
  rig.onEvent = (event) => {
    if (event.kind === 'acknowledged') stopping.abort();
  };
  await expect(rig.send(receiver, { signal: stopping.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
  const acknowledged = told(rig, 'acknowledged');
  expect(acknowledged.length).toBeLessThan(3);
  receiver.seen.length = 0;
  await rig.send(receiver);
  const again = new Set(receiver.seen.map(({ block_number: block }) => `big ${block}`));
  for (const block of acknowledged) expect(again).not.toContain(block);
  expectWhole(rig, receiver, 'big');
});

it('what the receiver has of a block already is not sent again, but for the end that asks', async () => {
  const rig = rigOf({ file: randomBytes(5 * rawChunkBytes) });
  const receiver = new MemoryReceiver();
  receiver.fault = (record) =>
    record.last === undefined
      ? { nextChunk: Math.max(3, record.chunk + 1) }
      : { nextChunk: 5, ack: ackOf(record, true) };
  await rig.send(receiver, { blockBytes: 5 * rawChunkBytes });
  expect(receiver.seen.map(({ chunk }) => chunk)).toEqual([0, 3, 4]);
});

it('a block that the receiver has whole is not sent to its end', async () => {
  const rig = rigOf({ file: randomBytes(blockBytesMin) });
  const receiver = new MemoryReceiver();
  receiver.fault = (record) => ({ nextChunk: 1, ack: ackOf(record, true) });
  await rig.send(receiver);
  expect(receiver.seen).toHaveLength(1);
  expect(told(rig, 'done')).toEqual(['file']);
});

it('a receiver that has lost an open block gets it from its beginning', async () => {
  const rig = rigOf({ file: randomBytes(blockBytesMin) });
  const receiver = new MemoryReceiver();
  let isFirst = true;
  receiver.fault = (record) => {
    if (record.chunk === 1 && isFirst) {
      isFirst = false;
      receiver.forgetOpen(record);
    }
    return undefined;
  };
  await rig.send(receiver);
  expect(receiver.seen.map(({ chunk }) => chunk)).toEqual([0, 1, 0, 1]);
  expectWhole(rig, receiver, 'file');
});

it.each<[string, MemoryReceiver['fault']]>([
  ['is not good there', (record) => ({ nextChunk: 2, ack: ackOf(record, false) })],
  [
    'has other bytes there',
    (record) => ({ nextChunk: 2, ack: ackOf(record, true, '0'.repeat(64)) }),
  ],
  ['gets no acknowledgment', ({ chunk }) => ({ nextChunk: chunk + 1 })],
])(
  'a block that %s is sent five times more, then has failed; the others arrive',
  async (_, fault) => {
    const rig = rigOf({ bad: randomBytes(blockBytesMin + 1), good: randomBytes(10) });
    const receiver = new MemoryReceiver();
    receiver.fault = (record) => {
      const { block_number: block, file_name: name, last } = record;
      return name === 'bad' && block === 0 && last !== undefined ? fault(record) : undefined;
    };
    await rig.send(receiver);
    const lasts = receiver.seen.filter(
      (one) => one.file_name === 'bad' && one.block_number === 0 && one.last,
    );
    expect(lasts).toHaveLength(6);
    expect(told(rig, 'again')).toEqual(Array.from({ length: 5 }, () => 'bad 0'));
    expect(told(rig, 'failed')).toEqual([expect.stringMatching(/^bad: block 0: /)]);
    expect(told(rig, 'acknowledged').sort()).toEqual(['bad 1', 'good 0']);
    expect(told(rig, 'done')).toEqual(['good']);
  },
);

it('a file that is refused for good is given up at once; the others arrive', async () => {
  const rig = rigOf({ bad: randomBytes(10), good: randomBytes(10) });
  const receiver = new MemoryReceiver();
  receiver.fault = ({ file_name: name }) => {
    if (name === 'bad') throw new WindrowError('refused', 'too large for the quota');
    return undefined;
  };
  await rig.send(receiver);
  expect(receiver.seen.map(({ file_name: name }) => name).sort()).toEqual(['bad', 'good']);
  expect(told(rig, 'failed')).toEqual(['bad: too large for the quota']);
  expect(told(rig, 'done')).toEqual(['good']);
});

it('a receiver that asks to wait is waited for, however often, and that is told once', async () => {
  const rig = rigOf({ file: randomBytes(10) });
  const receiver = new MemoryReceiver();
  let refusals = 20;
  receiver.fault = () => {
    if (refusals === 0) return undefined;
    refusals -= 1;
    rig.clock.advance(60_000);
    throw new WindrowError('store_unavailable', 'the disk is full', { retryable: true });
  };
  await rig.send(receiver);
  const kinds = rig.events.map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'waiting' || kind === 'going-on')).toEqual([
    'waiting',
    'going-on',
  ]);
  expectWhole(rig, receiver, 'file');
});

it('what passes with the next try is not told', async () => {
  const rig = rigOf({ file: randomBytes(10) });
  const receiver = new MemoryReceiver();
  let failures = 1;
  receiver.fault = () => {
    if (failures === 0) return undefined;
    failures -= 1;
    throw new WindrowError('unreachable', 'it closed', { retryable: true, graceMs: 3_000 });
  };
  await rig.send(receiver);
  expect(failures).toBe(0);
  const kinds = rig.events.map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'waiting' || kind === 'going-on')).toEqual([]);
  expectWhole(rig, receiver, 'file');
});

it('a receiver that is silent for five minutes ends the sending, and nothing is called failed', async () => {
  const rig = rigOf({ a: randomBytes(10), b: randomBytes(10) });
  const receiver = new MemoryReceiver();
  receiver.fault = () => {
    rig.clock.advance(61_000);
    throw new WindrowError('unreachable', 'nobody there', { retryable: true });
  };
  await expect(rig.send(receiver)).rejects.toMatchObject({ code: 'unreachable' });
  expect(told(rig, 'failed')).toEqual([]);
});

it.each([
  new WindrowError('unauthorized', 'who are you', { retryable: true }),
  new WindrowError('refused', 'not this host', { retryable: true }),
])('an answer that no waiting mends ($code) ends the sending at once', async (error) => {
  const rig = rigOf({ a: randomBytes(10), b: randomBytes(10) });
  const receiver = new MemoryReceiver();
  receiver.fault = () => {
    throw error;
  };
  await expect(rig.send(receiver)).rejects.toBe(error);
  expect(told(rig, 'failed')).toEqual([]);
});

it('a file that changes while it is sent is sent as it is then', async () => {
  const rig = rigOf({ file: randomBytes(longBytes), other: randomBytes(10) });
  const receiver = new MemoryReceiver();
  let isFirst = true;
  receiver.fault = ({ file_name: name }) => {
    if (isFirst && name === 'file') {
      isFirst = false;
      appendFileSync(join(rig.folder, 'file'), 'more');
    }
    return undefined;
  };
  await rig.send(receiver);
  expect(told(rig, 'changed')).toEqual(['file']);
  expect(told(rig, 'failed')).toEqual([]);
  for (const name of ['file', 'other']) expectWhole(rig, receiver, name);
});

it('a file that changes all the time is given up after its third version', async () => {
  const rig = rigOf({ file: randomBytes(longBytes), other: randomBytes(10) });
  const receiver = new MemoryReceiver();
  receiver.fault = ({ file_name: name }) => {
    if (name === 'file') appendFileSync(join(rig.folder, 'file'), 'more');
    return undefined;
  };
  await rig.send(receiver);
  expect(told(rig, 'begun').filter((name) => name === 'file')).toHaveLength(3);
  expect(told(rig, 'failed')).toEqual(['file: changed again and again']);
  expect(told(rig, 'done')).toEqual(['other']);
});

it('a file that vanishes before it is read, or while, fails alone', async () => {
  const rig = rigOf({
    early: randomBytes(10),
    late: randomBytes(longBytes),
    other: randomBytes(10),
  });
  const receiver = new MemoryReceiver();
  rig.onEvent = (event) => {
    if (event.kind === 'begun') rmSync(join(rig.folder, 'early'), { force: true });
  };
  receiver.fault = ({ file_name: name }) => {
    if (name === 'late') {
      // Its descriptors are open: only who looks for it again misses it.
      appendFileSync(join(rig.folder, 'late'), 'x');
      rmSync(join(rig.folder, 'late'));
    }
    return undefined;
  };
  await rig.send(receiver).catch((error: unknown) => {
    expect(error).toBeUndefined();
  });
  expect(told(rig, 'failed').sort()).toEqual(['early: is not there', 'late: is not there']);
  expect(told(rig, 'done')).toEqual(['other']);
});

it('acknowledgments that come by another way count as those in answers', async () => {
  const rig = rigOf({ big: randomBytes(fileBytes), small: randomBytes(10) });
  const receiver = new MemoryReceiver();
  const acks: BlockAck[] = [];
  let wake = (): void => {};
  const byLog: BlockCarrier = {
    target: 'log',
    async send(chunk, signal) {
      const { nextChunk, ack } = await receiver.send(chunk, signal);
      if (ack !== undefined) acks.push(ack);
      // Not before the sender could wait for it.
      setImmediate(() => wake());
      return { nextChunk };
    },
    async *acks(signal) {
      signal.addEventListener('abort', () => wake());
      while (!signal.aborted) {
        const ack = acks.shift();
        if (ack === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        } else {
          yield ack;
        }
      }
    },
    close: async () => {},
  };
  await rig.send(byLog);
  expect(told(rig, 'done').sort()).toEqual(['big', 'small']);
  expectWhole(rig, receiver, 'big');
});

it('whatever happens on the way, every block is stored, and each as it was read', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = seededRandom(seed);
      const rig = rigOf({
        a: randomBytes(fileBytes),
        b: randomBytes(blockBytesMin),
        c: randomBytes(1),
      });
      const receiver = new MemoryReceiver();
      const failures = new Map<string, number>();
      receiver.fault = (record) => {
        const luck = random();
        const key = `${record.transfer_id}/${record.block_number}`;
        // Fewer than after which a block has failed.
        const failed = failures.get(key) ?? 0;
        if (luck < 0.1) throw new WindrowError('unreachable', 'lost', { retryable: true });
        if (luck < 0.2) throw new WindrowError('overloaded', 'busy', { retryable: true });
        if (luck > 0.6 || failed === 5) return undefined;
        if (luck < 0.5 && record.chunk < 1) return undefined;
        failures.set(key, failed + 1);
        if (luck < 0.5) receiver.forgetOpen(record);
        return luck < 0.5 ? { nextChunk: 0 } : { nextChunk: 0, ack: ackOf(record, false) };
      };
      await rig.send(receiver);
      expect(told(rig, 'failed')).toEqual([]);
      for (const name of ['a', 'b', 'c']) expectWhole(rig, receiver, name);
    }),
    { numRuns: 8 },
  );
});
