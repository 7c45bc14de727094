import fc from '../../runtime/testing/property.ts';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BlockAck } from '../../wire/records/block-ack.ts';
import { openBlocksMax } from './open-blocks.ts';
import {
  blocksOf,
  chunksOf,
  contentOf,
  contentOfBlock,
  madeFile,
  mib,
} from './testing/made-file.ts';
import { ackFor, receiverRig, takeAll } from './testing/rig.ts';

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const two = madeFile({ content: contentOf(mib + 70_000) });

describe('a block', () => {
  it('is stored as the old system had it, and acknowledged', async () => {
    const { receiver, folder, clock } = receiverRig();
    expect(await ackFor(receiver, chunksOf(two, 1))).toEqual({
      file_name: 'log.txt',
      block_number: 1,
      machine_id: 'node-1',
      success: true,
      timestamp: clock.wallMs() / 1_000,
      transfer_id: two.transferId,
      sender: 'desk-12',
      total_blocks: 2,
      block_size_bytes: 70_000,
      file_size_bytes: mib + 70_000,
      checksum: sha256(contentOfBlock(two, 1)),
    } satisfies BlockAck);
    const blocks = join(folder, 'processed_data_node-1', 'log_txt');
    expect(readdirSync(blocks).sort()).toEqual(['block_0001.bin', 'block_0001_metadata.json']);
    expect(sha256(readFileSync(join(blocks, 'block_0001.bin')))).toBe(
      sha256(contentOfBlock(two, 1)),
    );
    const metadata = JSON.parse(
      readFileSync(join(blocks, 'block_0001_metadata.json'), 'utf8'),
    ) as object;
    expect(Object.entries(metadata)).toEqual([
      ['file_name', 'log.txt'],
      ['block_number', 1],
      ['checksum', sha256(contentOfBlock(two, 1))],
      ['block_size_bytes', 70_000],
      ['processed_at', clock.wallMs() / 1_000],
      ['machine_id', 'node-1'],
      ['verified', true],
    ]);
  });

  it.each([
    ['an empty', 0],
    ['a small', 10],
  ])('of %s file whose storing failed is stored when it comes again', async (_, sizeBytes) => {
    const { receiver, folder } = receiverRig();
    const file = madeFile({ content: contentOf(sizeBytes), path: 'file' });
    // A file stands where the folder of blocks belongs.
    const inTheWay = join(folder, 'processed_data_node-1');
    writeFileSync(inTheWay, '');
    await expect(takeAll(receiver, chunksOf(file, 0))).rejects.toMatchObject({ retryable: true });
    rmSync(inTheWay);
    expect(await ackFor(receiver, chunksOf(file, 0))).toMatchObject({ success: true });
    expect(readFileSync(join(inTheWay, 'file', 'block_0000.bin')).equals(file.content)).toBe(true);
  });

  it('whose storing failed does not go through a person’s module again', async () => {
    const processed: string[] = [];
    const { receiver, folder } = receiverRig({
      process: async ({ sha256 }) => void processed.push(sha256),
    });
    const inTheWay = join(folder, 'processed_data_node-1');
    writeFileSync(inTheWay, '');
    await expect(takeAll(receiver, chunksOf(two, 1))).rejects.toMatchObject({ retryable: true });
    rmSync(inTheWay);
    expect(await ackFor(receiver, chunksOf(two, 1))).toMatchObject({ success: true });
    expect(processed).toEqual([sha256(contentOfBlock(two, 1))]);
  });

  it('of an empty file is empty', async () => {
    const { receiver, folder } = receiverRig();
    const empty = madeFile({ content: Buffer.alloc(0), path: 'empty' });
    expect(await ackFor(receiver, chunksOf(empty, 0))).toMatchObject({ success: true });
    const path = join(folder, 'processed_data_node-1', 'empty', 'block_0000.bin');
    expect(readFileSync(path)).toHaveLength(0);
  });

  it('that came before is acknowledged at once, whichever chunk comes, and not written again', async () => {
    const { receiver } = receiverRig();
    await takeAll(receiver, chunksOf(two, 0));
    for (const incoming of chunksOf(two, 0)) {
      const { nextChunk, ack } = await receiver.take(incoming);
      expect({ nextChunk, ...ack }).toMatchObject({ nextChunk: 2, success: true, duplicate: true });
    }
    expect(receiver.counts).toEqual({ blocks: 1, bytes: mib, duplicates: 2, failures: 0 });
    expect(receiver.openBlocks).toBe(0);
  });

  it('whose file somebody took away is taken again', async () => {
    const { receiver, folder } = receiverRig();
    await takeAll(receiver, chunksOf(two, 0));
    const path = join(folder, 'processed_data_node-1', 'log_txt', 'block_0000.bin');
    rmSync(path);
    const ack = await ackFor(receiver, chunksOf(two, 0));
    expect(ack).toMatchObject({ success: true });
    expect(ack).not.toHaveProperty('duplicate');
    expect(existsSync(path)).toBe(true);
  });

  it('with a hash that is another fails, leaves nothing behind, and can be sent again', async () => {
    const { receiver, folder } = receiverRig();
    const [first, last] = chunksOf(two, 0);
    if (first === undefined || last === undefined) throw new Error('two chunks');
    await receiver.take(first);
    const lying = { ...last, chunk: { ...last.chunk, last: { sha256: 'f'.repeat(64) } } };
    expect(await receiver.take(lying)).toMatchObject({
      nextChunk: 0,
      ack: { success: false, reason: 'the SHA-256 of the block is another' },
    });
    expect(readdirSync(join(folder, '.windrow', 'parts'))).toEqual([]);
    expect(existsSync(join(folder, 'processed_data_node-1'))).toBe(false);
    expect(await ackFor(receiver, chunksOf(two, 0))).toMatchObject({ success: true });
    expect(receiver.counts.failures).toBe(1);
  });

  it('that the disk does not confirm fails and is begun anew', async () => {
    const { receiver, folder } = receiverRig();
    // The first part; of a device nothing can be synced.
    symlinkSync('/dev/null', join(folder, '.windrow', 'parts', '1'));
    const chunks = chunksOf(two, 0);
    await expect(takeAll(receiver, chunks)).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: true,
    });
    expect(await takeAll(receiver, chunksOf(two, 0).slice(1))).toMatchObject({
      nextChunk: 0,
      ack: { success: false, reason: 'the disk did not confirm the block' },
    });
    expect(receiver.index.usedBytes).toBe(0);
    expect(await ackFor(receiver, chunksOf(two, 0))).toMatchObject({ success: true });
    const path = join(folder, 'processed_data_node-1', 'log_txt', 'block_0000.bin');
    expect(sha256(readFileSync(path))).toBe(sha256(contentOfBlock(two, 0)));
  });

  it('with a chunk that was damaged on its way fails', async () => {
    const { receiver } = receiverRig();
    const [first] = chunksOf(two, 0);
    if (first === undefined) throw new Error('a chunk');
    first.payload[5] = (first.payload[5] ?? 0) ^ 1;
    expect(await receiver.take(first)).toMatchObject({
      ack: { success: false, reason: 'the checksum of a chunk is another' },
    });
  });
});

describe('a chunk', () => {
  it('beyond what is there is not taken: the answer names the one that is wanted', async () => {
    const { receiver } = receiverRig();
    const [first, last] = chunksOf(two, 0);
    if (first === undefined || last === undefined) throw new Error('two chunks');
    expect(await receiver.take(last)).toEqual({ nextChunk: 0 });
    expect(receiver.openBlocks).toBe(0);
    expect(await receiver.take(first)).toEqual({ nextChunk: 1 });
  });

  it('that came before changes nothing', async () => {
    const { receiver } = receiverRig();
    await takeAll(receiver, chunksOf(two, 0).slice(0, 1));
    await takeAll(receiver, chunksOf(two, 0).slice(0, 1));
    expect(await ackFor(receiver, chunksOf(two, 0).slice(1))).toMatchObject({ success: true });
  });

  it.each([
    { sender: 'other' },
    { file_name: 'other' },
    { path: 'other' },
    { file_size_bytes: mib + 70_001 },
    { block_bytes: 2 * mib },
  ])('of another file under the same transfer is refused: %j', async (changes) => {
    const { receiver } = receiverRig();
    await takeAll(receiver, chunksOf(two, 0).slice(0, 1));
    const [stranger] = chunksOf(two, 0, changes);
    if (stranger === undefined) throw new Error('a chunk');
    const field = Object.keys(changes)[0] ?? '';
    await expect(receiver.take(stranger)).rejects.toThrow(`another ${field} before`);
    expect(await ackFor(receiver, chunksOf(two, 0))).toMatchObject({ success: true });
    await expect(receiver.take({ ...stranger, payload: new Uint8Array(1) })).rejects.toThrow(field);
  });

  it('can come in any order, doubled and damaged: what is acknowledged is there, byte for byte', async () => {
    const { receiver, folder } = receiverRig();
    const content = contentOf(2 * mib + 990_000, 7);
    const steps = fc.array(
      fc.record({
        block: fc.nat(2),
        chunk: fc.nat(1),
        isDamaged: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      }),
      { maxLength: 20 },
    );
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        runs += 1;
        const file = madeFile({ content, path: `run-${runs}` });
        const stored = new Set<number>();
        for (const { block, chunk, isDamaged } of steps) {
          const incoming = chunksOf(file, block)[chunk];
          if (incoming === undefined) throw new Error('no chunk');
          if (isDamaged) incoming.payload[0] = (incoming.payload[0] ?? 0) ^ 255;
          const { ack } = await receiver.take(incoming);
          if (ack?.success === true) stored.add(block);
        }
        for (const block of stored) {
          const path = join(folder, 'processed_data_node-1', file.path, `block_000${block}.bin`);
          expect(sha256(readFileSync(path))).toBe(sha256(contentOfBlock(file, block)));
        }
        for (let block = 0; block < blocksOf(file); block += 1) {
          expect(await ackFor(receiver, chunksOf(file, block))).toMatchObject({ success: true });
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe('folders', () => {
  it('of two files of one name, and of names that fold into one, are apart', async () => {
    const { receiver, folder } = receiverRig();
    const files = ['a/log.txt', 'b/log.txt', 'LOG.TXT', 'log_txt'].map((path) =>
      madeFile({ path }),
    );
    for (const file of files) await takeAll(receiver, chunksOf(file, 0));
    const suffixOf = (no: number): string => `~${files[no]?.transferId.slice(0, 8) ?? ''}`;
    expect(readdirSync(join(folder, 'processed_data_node-1')).sort()).toEqual(
      ['log_txt', `log_txt${suffixOf(1)}`, `LOG_TXT${suffixOf(2)}`, `log_txt${suffixOf(3)}`].sort(),
    );
  });

  it('that are somebody else’s are left alone', async () => {
    const { receiver, folder } = receiverRig();
    mkdirSync(join(folder, 'processed_data_node-1', 'log_txt'), { recursive: true });
    await takeAll(receiver, chunksOf(two, 0));
    const names = readdirSync(join(folder, 'processed_data_node-1'));
    expect(names.sort()).toEqual(['log_txt', `log_txt~${two.transferId.slice(0, 8)}`]);
    expect(readdirSync(join(folder, 'processed_data_node-1', 'log_txt'))).toEqual([]);
  });

  it.each(['..', '.', 'a\0b', 'C:\\windows', 'x'.repeat(300)])(
    'of hostile names lie inside: %j',
    async (name) => {
      const { receiver, folder } = receiverRig();
      const [chunk] = chunksOf(madeFile(), 0, { file_name: name, path: `../../${name}` });
      if (chunk === undefined) throw new Error('a chunk');
      expect((await receiver.take(chunk)).ack).toMatchObject({ success: true });
      expect(readdirSync(folder).sort()).toEqual(['.windrow', 'processed_data_node-1']);
      expect(readdirSync(join(folder, 'processed_data_node-1'))).toHaveLength(1);
    },
  );
});

describe('bounds', () => {
  it('open blocks: another is refused, until one has been quiet', async () => {
    const { receiver, clock } = receiverRig();
    const files = Array.from({ length: openBlocksMax + 1 }, (_, no) =>
      madeFile({ content: contentOf(mib, no + 1), path: `f${no}` }),
    );
    for (const file of files.slice(0, -1)) await takeAll(receiver, chunksOf(file, 0).slice(0, 1));
    const [one] = chunksOf(files.at(-1) ?? two, 0);
    if (one === undefined) throw new Error('a chunk');
    const again = { ...one, payload: Uint8Array.from(one.payload) };
    await expect(receiver.take(one)).rejects.toMatchObject({ code: 'overloaded', retryable: true });
    clock.advance(30_000);
    expect(await receiver.take(again)).toEqual({ nextChunk: 1 });
    expect(receiver.openBlocks).toBe(openBlocksMax);
  });

  it('a block of which nothing comes for ten minutes is given up', async () => {
    const { receiver, folder, clock } = receiverRig();
    const [first, last] = chunksOf(two, 0);
    if (first === undefined || last === undefined) throw new Error('two chunks');
    await receiver.take(first);
    clock.advance(9 * 60_000);
    await receiver.expire();
    expect(receiver.openBlocks).toBe(1);
    clock.advance(60_000);
    await receiver.expire();
    expect(receiver.openBlocks).toBe(0);
    expect(readdirSync(join(folder, '.windrow', 'parts'))).toEqual([]);
    expect(await receiver.take(last)).toEqual({ nextChunk: 0 });
  });

  it('the quota counts what is on its way; what never fits is refused for good', async () => {
    const { receiver } = receiverRig({ quotaBytes: mib + mib / 2 });
    const other = madeFile({ content: contentOf(mib, 9), path: 'other' });
    const large = madeFile({ content: contentOf(2 * mib), path: 'large', blockBytes: 2 * mib });
    await takeAll(receiver, chunksOf(two, 0).slice(0, 1));
    await expect(takeAll(receiver, chunksOf(other, 0))).rejects.toMatchObject({ code: 'no_room' });
    await expect(takeAll(receiver, chunksOf(large, 0))).rejects.toMatchObject({
      code: 'refused',
      retryable: false,
    });
    expect(await ackFor(receiver, chunksOf(two, 0))).toMatchObject({ success: true });
    await expect(takeAll(receiver, chunksOf(other, 0))).rejects.toMatchObject({ code: 'no_room' });
    expect(await ackFor(receiver, chunksOf(two, 1))).toMatchObject({ success: true });
  });
});

it('for want of room a first chunk waits, but one of a log not before the rest of what is open', async () => {
  const { receiver } = receiverRig({ quotaBytes: mib + mib / 2 });
  const large = madeFile({ content: contentOf(2 * mib), path: 'large', blockBytes: 2 * mib });
  const other = madeFile({ content: contentOf(mib, 9), path: 'other' });
  const begin = (lane: string | undefined, file = other) => {
    const [first] = chunksOf(file, 0);
    if (first === undefined) throw new Error('a chunk');
    const mark = lane === undefined ? undefined : { lane, position: 1n };
    return receiver.take({ ...first, mark });
  };
  await begin('p0', two);
  const waits = { code: 'no_room', retryable: true };
  const passedBy = { code: 'no_room', retryable: false };
  await expect(begin('p0')).rejects.toMatchObject(passedBy);
  await expect(begin('p1')).rejects.toMatchObject(passedBy);
  await expect(begin(undefined)).rejects.toMatchObject(waits);
  await expect(begin('p0', large)).rejects.toMatchObject({ code: 'refused' });
  expect(receiver.openBlocks).toBe(1);
  await takeAll(receiver, chunksOf(two, 0));
  await expect(begin('p0')).rejects.toMatchObject(waits);
});

describe('a restart', () => {
  it('keeps what is stored and begins anew what was on its way', async () => {
    const { receiver, folder } = receiverRig();
    await takeAll(receiver, chunksOf(two, 1));
    await takeAll(receiver, chunksOf(two, 0).slice(0, 1));
    await receiver.close();
    const again = receiverRig({ folder }).receiver;
    expect(await ackFor(again, chunksOf(two, 1))).toMatchObject({ duplicate: true });
    expect(await takeAll(again, chunksOf(two, 0).slice(1))).toEqual({ nextChunk: 0 });
    expect(await ackFor(again, chunksOf(two, 0))).toMatchObject({ success: true });
    expect(readdirSync(join(folder, 'processed_data_node-1'))).toEqual(['log_txt']);
  });

  it('is refused while another receiver has the folder', () => {
    const { folder } = receiverRig();
    expect(() => receiverRig({ folder, folderSetting: 'blocks.folder' })).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('another receiver of files runs on'),
        hint: 'Stop it, or name another folder with blocks.folder.',
      }),
    );
  });
});

it('tells from where a log would have to be read again', async () => {
  const { receiver } = receiverRig();
  const marked = (block: number, position: bigint) =>
    chunksOf(two, block).map(({ chunk, payload }) => ({
      chunk,
      payload,
      mark: { lane: 'p0', position },
    }));
  expect(receiver.oldestNeeded('p0')).toBeUndefined();
  await takeAll(receiver, marked(0, 40n).slice(0, 1));
  expect(receiver.oldestNeeded('p0')).toBe(40n);
  expect(receiver.oldestNeeded('p1')).toBeUndefined();
  await takeAll(receiver, marked(0, 41n));
  expect(receiver.oldestNeeded('p0')).toBeUndefined();
  const other = madeFile({ content: contentOf(mib, 3), path: 'other' });
  const [open] = chunksOf(other, 0);
  if (open === undefined) throw new Error('a chunk');
  await receiver.take({ ...open, mark: { lane: 'p0', position: 50n } });
  await receiver.forgetLane('p0');
  expect(receiver.openBlocks).toBe(0);
});
