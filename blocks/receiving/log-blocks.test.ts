import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { rawChunkBytes } from '../../wire/limits.ts';
import type { BlockAck } from '../../wire/records/block-ack.ts';
import {
  CHUNK_HEADER,
  chunkKey,
  DATA_BLOCKS_TOPIC,
  encodeChunkHeader,
} from '../../wire/records/block-chunk.ts';
import type { LogRecord, NewLogRecord } from '../../wire/transport/log/port.ts';
import { LogBlocks } from './log-blocks.ts';
import { openBlocksMax } from './open-blocks.ts';
import type { BlockReceiver, IncomingChunk } from './receiver.ts';
import { Sweep } from './sweep.ts';
import { chunksOf, contentOf, madeFile, packed } from './testing/made-file.ts';
import { receiverRig } from './testing/rig.ts';

const large = madeFile({ path: 'large', content: contentOf(rawChunkBytes + 1) });
const small = madeFile({ path: 'small', content: contentOf(50) });
const waiting = { timeout: 10_000, interval: 5 };

/** One partition that is ours, from its beginning. */
async function reading(
  changes: { readonly take?: BlockReceiver['take']; readonly quotaBytes?: number } = {},
) {
  const { quotaBytes = Infinity } = changes;
  const { receiver, folder } = receiverRig({ quotaBytes });
  if (changes.take !== undefined) receiver.take = changes.take;
  const { log, lines } = createKeptLog();
  const acks: BlockAck[] = [];
  const brokers = { areAway: false };
  const producer = {
    async send([record]: readonly NewLogRecord[]) {
      if (brokers.areAway) throw new WindrowError('unreachable', 'away', { retryable: true });
      acks.push(JSON.parse(String(record?.value)) as BlockAck);
    },
    async close() {},
  };
  const here = () => ({ machineId: 'node-1', nowMs: 1_000 });
  const blocks = new LogBlocks({ receiver, producer, here, log });
  const start = { topic: DATA_BLOCKS_TOPIC, partition: 0, slot: 0, topicId: 'id', endOffset: 0 };
  const begin = () => blocks.assigned(new Set([0]), [{ ...start, offset: 0 }]);
  await begin();
  onTestFinished(() => blocks.stop());
  let nextOffset = 0;
  return {
    receiver,
    folder,
    blocks,
    begin,
    acks,
    brokers,
    lines,
    told: (count: number) => vi.waitFor(() => expect(acks).toHaveLength(count), waiting),
    take: (chunks: readonly IncomingChunk[], change: Partial<LogRecord> = {}) =>
      blocks.take(chunks.map((chunk) => ({ ...recordOf(chunk, nextOffset++), ...change }))),
  };
}

function recordOf({ chunk, payload }: IncomingChunk, offset: number): LogRecord {
  return {
    topic: DATA_BLOCKS_TOPIC,
    partition: 0,
    offset,
    key: Buffer.from(chunkKey(chunk)),
    value: Buffer.from(payload),
    headers: new Map([[CHUNK_HEADER, Buffer.from(encodeChunkHeader(chunk))]]),
    timeMs: 0,
  };
}

it('nothing behind the beginning of a block is committed before its acknowledgment is in the log', async () => {
  const { blocks, receiver, brokers, take, told } = await reading();
  const [first, last] = chunksOf(large, 0);
  if (first === undefined || last === undefined) throw new Error('two chunks');
  await take([first, ...chunksOf(small, 0)]);
  await told(1);
  expect(blocks.uncommitted).toEqual([]);
  brokers.areAway = true;
  await take([last]);
  await vi.waitFor(() => expect(receiver.counts.blocks).toBe(2), waiting);
  expect(blocks.uncommitted).toEqual([]);
  brokers.areAway = false;
  await told(2);
  const offsets = [{ topic: DATA_BLOCKS_TOPIC, partition: 0, offset: 3 }];
  await vi.waitFor(() => expect(blocks.uncommitted).toEqual(offsets), waiting);
  await blocks.commit(async () => {});
  expect(blocks.uncommitted).toEqual([]);
});

it('the memory of a record is given back when it was dealt with, not before', async () => {
  const { brokers, take, told } = await reading();
  const released = vi.fn<() => void>();
  brokers.areAway = true;
  await take(chunksOf(small, 0), { release: released });
  await take(chunksOf(madeFile({ path: 'other', content: contentOf(50) }), 0));
  expect(released).not.toHaveBeenCalled();
  brokers.areAway = false;
  await told(2);
  await vi.waitFor(() => expect(released).toHaveBeenCalledTimes(1), waiting);
});

it('of a partition that goes to another nothing stays open, and nothing of it is committed', async () => {
  const { blocks, receiver, take } = await reading();
  await take(chunksOf(large, 0).slice(0, 1));
  await vi.waitFor(() => expect(receiver.openBlocks).toBe(1), waiting);
  await blocks.assigned(new Set([1]), []);
  expect(receiver.openBlocks).toBe(0);
  expect(blocks.uncommitted).toEqual([]);
  expect(blocks.partitions).toEqual([]);
});

it.each<[string, Partial<LogRecord>]>([
  [
    'another version',
    { headers: new Map([[CHUNK_HEADER, Buffer.from('{"v":9,"file_name":"x"}')]]) },
  ],
  ['a payload that is too short', { value: Buffer.alloc(1) }],
])('a record that is no chunk (%s) is answered where it says whose it is', async (_, change) => {
  const { blocks, take, told, acks } = await reading();
  await take(chunksOf(small, 0), change);
  await told(1);
  expect(acks).toMatchObject([
    {
      transfer_id: small.transferId,
      block_number: 0,
      machine_id: 'node-1',
      success: false,
      reason: expect.stringMatching(/./) as string,
    },
  ]);
  expect(blocks.malformed).toBe(1);
  await vi.waitFor(() => expect(blocks.uncommitted).toMatchObject([{ offset: 1 }]), waiting);
});

it.each<[string, Partial<LogRecord>]>([
  ['no header', { headers: new Map() }],
  ['no key', { key: undefined }],
  ['nothing at all', { key: undefined, value: undefined, headers: new Map() }],
])('poison (%s) is counted and passed by', async (_, change) => {
  const { blocks, take, acks } = await reading();
  await take(chunksOf(small, 0), change);
  await vi.waitFor(() => expect(blocks.uncommitted).toMatchObject([{ offset: 1 }]), waiting);
  expect(blocks.malformed).toBe(1);
  expect(acks).toEqual([]);
});

it('what cannot be read is counted, told once in a while, and passed by', async () => {
  const { blocks, lines, take, told } = await reading();
  const spoilt = { topic: DATA_BLOCKS_TOPIC, partition: 0, reason: 'a batch is broken' };
  blocks.unreadable({ ...spoilt, offset: 0, endOffset: 3 });
  blocks.unreadable({ ...spoilt, offset: 5, endOffset: 6 });
  expect(blocks.malformed).toBe(4);
  expect(lines).toMatchObject([{ level: 'warn', offset: 0, reason: 'a batch is broken' }]);
  await take(chunksOf(small, 0));
  await told(1);
});

it('a block whose beginning is not here fails once, at its end', async () => {
  const { take, told, acks } = await reading();
  await take(chunksOf(large, 0).slice(1));
  await told(1);
  await take(chunksOf(small, 0));
  await told(2);
  expect(acks.map(({ file_name: name, success }) => [name, success])).toEqual([
    ['large', false],
    ['small', true],
  ]);
});

it('a block that comes again is acknowledged and counted once, at its end', async () => {
  const { receiver, take, told, acks } = await reading();
  await take(chunksOf(large, 0));
  await told(1);
  await take([...chunksOf(large, 0), ...chunksOf(small, 0)]);
  await vi.waitFor(() => expect(receiver.counts.blocks).toBe(2), waiting);
  await told(3);
  expect(acks.map(({ file_name: name, duplicate }) => [name, duplicate])).toEqual([
    ['large', undefined],
    ['large', true],
    ['small', undefined],
  ]);
  expect(receiver.counts.duplicates).toBe(1);
});

it('more blocks by turns than requests may have open hold up nothing', async () => {
  const { receiver, take, told, acks } = await reading();
  const content = Buffer.alloc(rawChunkBytes + 1);
  for (let no = 0; no <= openBlocksMax; no += 1) {
    const [first] = chunksOf(madeFile({ path: `file-${no}`, content }), 0);
    if (first === undefined) throw new Error('a chunk');
    await take([packed(first)]);
  }
  await take(chunksOf(small, 0));
  await told(1);
  expect(acks).toMatchObject([{ file_name: 'small', success: true }]);
  expect(receiver.openBlocks).toBe(openBlocksMax + 1);
});

it('what is committed while the partition goes and comes back is of the one that went', async () => {
  const { blocks, take, told, begin } = await reading();
  const offsets = [{ topic: DATA_BLOCKS_TOPIC, partition: 0, offset: 1 }];
  await take(chunksOf(small, 0));
  await told(1);
  await vi.waitFor(() => expect(blocks.uncommitted).toEqual(offsets), waiting);
  await blocks.commit(async (given) => {
    expect(given).toEqual(offsets);
    await begin();
  });
  await take(chunksOf(small, 0), { offset: 0 });
  await told(2);
  await vi.waitFor(() => expect(blocks.uncommitted).toEqual(offsets), waiting);
});

it('a block that failed in its middle does not fail again at its end', async () => {
  const { take, told, acks } = await reading();
  const [first, last] = chunksOf(large, 0);
  if (first === undefined || last === undefined) throw new Error('two chunks');
  const damaged = { ...first, payload: first.payload.map((byte) => byte ^ 1) };
  await take([damaged, last, ...chunksOf(small, 0)]);
  await told(2);
  expect(acks.map(({ success }) => success)).toEqual([false, true]);
});

it('a block that failed, was begun anew and lost its beginning fails again at its end', async () => {
  const { receiver, take, told, begin } = await reading();
  const [first, last] = chunksOf(large, 0);
  if (first === undefined || last === undefined) throw new Error('two chunks');
  await take([{ ...first, payload: first.payload.map((byte) => byte ^ 1) }]);
  await told(1);
  await take([first]);
  await vi.waitFor(() => expect(receiver.openBlocks).toBe(1), waiting);
  await begin();
  await take([last]);
  await told(2);
});

it('on a full disk nothing is acknowledged, and no chunk is left out', async () => {
  const { receiver: real } = receiverRig();
  let isFull = true;
  const seen: number[] = [];
  const { blocks, take, told, acks } = await reading({
    async take(incoming) {
      if (isFull) throw new WindrowError('no_room', 'the disk is full', { retryable: true });
      seen.push(incoming.chunk.chunk);
      return real.take(incoming);
    },
  });
  await take(chunksOf(large, 0));
  expect(blocks.uncommitted).toEqual([]);
  expect(acks).toEqual([]);
  isFull = false;
  await told(1);
  expect(seen).toEqual([0, 1]);
  expect(acks).toMatchObject([{ success: true }]);
});

it('of two blocks by turns with room for one the second is asked for later, and waits when nothing is open', async () => {
  const { content } = large;
  const other = madeFile({ path: 'other', content });
  const { receiver, folder, take, told, acks, lines } = await reading({
    quotaBytes: 1.5 * content.length,
  });
  const [[first, last], [second, rest]] = [chunksOf(large, 0), chunksOf(other, 0)];
  if (!first || !last || !second || !rest) throw new Error('two chunks each');
  await take([first, second, last, rest]);
  await told(2);
  await take(chunksOf(other, 0));
  const isFull = expect.objectContaining({ msg: expect.stringContaining('used up') as string });
  await vi.waitFor(() => expect(lines).toContainEqual(isFull), waiting);
  rmSync(join(folder, 'processed_data_node-1', 'large'), { recursive: true });
  await new Sweep(receiver).step();
  await told(3);
  expect(acks.map(({ file_name: name, success, later }) => [name, success, later])).toEqual([
    ['other', false, true],
    ['large', true, undefined],
    ['other', true, undefined],
  ]);
});

it('that blocks are refused for want of room is told once, and anew after one that began', async () => {
  const { take, told, acks, lines } = await reading({
    async take({ chunk }) {
      if (chunk.file_name === 'fits') return { nextChunk: 1 };
      throw new WindrowError('no_room', 'the disk is full, with what was begun before');
    },
  });
  const begin = (path: string): Promise<void> =>
    take(chunksOf(madeFile({ path, content: large.content }), 0).slice(0, 1));
  const refusals = () => lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
  for (const path of ['one', 'two', 'three']) await begin(path);
  await told(3);
  expect(refusals()).toEqual(['the disk is full, with what was begun before']);
  for (const path of ['fits', 'four', 'five']) await begin(path);
  await told(5);
  expect(acks.every(({ later }) => later)).toBe(true);
  expect(refusals()).toHaveLength(2);
});

it('a share that ends waits for no block: what was taken is dealt with later, and does not pile up', async () => {
  const { receiver: real } = receiverRig();
  let held = Promise.withResolvers<void>();
  const { blocks, take, told, acks } = await reading({
    async take(incoming) {
      await held.promise;
      return real.take(incoming);
    },
  });
  const names = Array.from({ length: 30 }, (_, no) => `file-${no}`);
  const chunks = names.flatMap((path) => chunksOf(madeFile({ path, content: contentOf(9) }), 0));
  const begin = async (some: typeof chunks) => {
    let isTaken = false;
    const taken = take(some).then(() => {
      isTaken = true;
    });
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    return { taken, isTaken: () => isTaken };
  };
  const first = await begin(chunks.slice(0, 10));
  expect(first.isTaken()).toBe(false);
  blocks.ending();
  await first.taken;
  await blocks.assigned(new Set([0]), []);
  const second = await begin(chunks.slice(10, 20));
  blocks.ending();
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  expect(second.isTaken()).toBe(false);
  expect(blocks.uncommitted).toEqual([]);
  held.resolve();
  await second.taken;
  await told(20);
  held = Promise.withResolvers();
  await blocks.assigned(new Set([0]), []);
  const third = await begin(chunks.slice(20));
  expect(third.isTaken()).toBe(false);
  held.resolve();
  await third.taken;
  await told(30);
  expect(acks.map(({ file_name: name, success }) => success && name)).toEqual(names);
});
