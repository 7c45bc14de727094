/**
 * What everything must do that carries blocks to a receiver. Behind each is the real receiver.
 * `describeBlocks` is for all; `describeBlockAnswers` for those where the receiver answers the sender.
 */
import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import type { BlockReceiver } from '../../blocks/receiving/receiver.ts';
import { chunkRecord, planTransfer, type Transfer } from '../../blocks/sending/plan.ts';
import { blockBytesMin, filePathBytesMax, rawChunkBytes } from '../../wire/limits.ts';
import type { BlockAck } from '../../wire/records/block-ack.ts';
import { blockSpan, chunkCount, chunkSpan } from '../../wire/records/block-shape.ts';
import type { BlockCarrier, OutgoingChunk } from '../../wire/transport/block-port.ts';
import { receivedFile } from '../support/blocks.ts';

export interface Connected {
  readonly carrier: BlockCarrier;
  readonly receiver: BlockReceiver;
  /** The receiver's. */
  readonly folder: string;
}

/** A carrier that leads to a receiver of its own; both are closed when the test ends. */
export type ConnectBlocks = () => Promise<Connected>;

const { signal: never } = new AbortController();

function transferOf(bytes: Buffer, relativePath = 'folder/file'): Transfer {
  const version = { sizeBytes: bytes.length, mtimeNs: 1n, inode: 1n };
  const file = { path: `/made/${randomBytes(8).toString('hex')}`, relativePath, version };
  return planTransfer(file, { sender: 'Ärger-1', blockBytes: blockBytesMin });
}

/** A block's chunks, stored as they are. */
function chunksOf(transfer: Transfer, bytes: Buffer, block: number): OutgoingChunk[] {
  const { start, end } = blockSpan(
    { sizeBytes: bytes.length, blockBytes: transfer.blockBytes },
    block,
  );
  const content = bytes.subarray(start, end);
  const chunks = chunkCount(content.length);
  return Array.from({ length: chunks }, (_, chunk) => {
    const span = chunkSpan(content.length, chunk);
    const payload = new Uint8Array(content.subarray(span.start, span.end));
    const record = chunkRecord(transfer, block, {
      chunk,
      rawBytes: payload.length,
      encoding: 'raw',
      crc32: crc32(payload).toString(16).padStart(8, '0'),
      payload,
      sha256: chunk === chunks - 1 ? sha256Of(content) : undefined,
      engine: 'openssl',
      sentAtMs: Date.now(),
    });
    return { record, payload };
  });
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Sends them one after the other. @returns what became of the block */
async function acked(carrier: BlockCarrier, chunks: readonly OutgoingChunk[]): Promise<BlockAck> {
  const hearing = new AbortController();
  const heard = hear(carrier, chunks, hearing.signal);
  try {
    for (const chunk of chunks) {
      const { ack } = await carrier.send(chunk, never);
      if (ack !== undefined) return ack;
    }
    return await heard;
  } finally {
    hearing.abort();
  }
}

/** The acknowledgment that comes by itself. */
async function hear(
  { acks }: BlockCarrier,
  [first]: readonly OutgoingChunk[],
  signal: AbortSignal,
): Promise<BlockAck> {
  if (acks !== undefined) {
    for await (const ack of acks(signal)) {
      const isOurs =
        ack.transfer_id === first?.record.transfer_id &&
        ack.block_number === first?.record.block_number;
      if (isOurs) return ack;
    }
  }
  return Promise.withResolvers<BlockAck>().promise;
}

function damaged(chunks: readonly OutgoingChunk[]): OutgoingChunk[] {
  return chunks.map(({ record, payload }) => ({
    record,
    payload: payload.map((byte, index) => (index === 0 ? byte ^ 1 : byte)),
  }));
}

export function describeBlocks(connect: ConnectBlocks): void {
  async function connected(): Promise<Connected> {
    const all = await connect();
    onTestFinished(() => all.carrier.close());
    return all;
  }

  it.each([0, 1, rawChunkBytes, rawChunkBytes + 1])(
    'a block of %i bytes arrives as it was, and is acknowledged when it is stored',
    async (size) => {
      const { carrier, folder } = await connected();
      const bytes = randomBytes(size);
      const transfer = transferOf(bytes);
      expect(await acked(carrier, chunksOf(transfer, bytes, 0))).toMatchObject({
        success: true,
        transfer_id: transfer.id,
        block_number: 0,
        file_name: 'file',
        checksum: sha256Of(bytes),
      });
      expect(receivedFile(folder, 'file').equals(bytes)).toBe(true);
    },
  );

  it('blocks that are sent side by side arrive each as it was', async () => {
    const { carrier, folder } = await connected();
    const bytes = randomBytes(4.5 * blockBytesMin);
    const transfer = transferOf(bytes);
    const blocks = Array.from({ length: 5 }, (_, block) => chunksOf(transfer, bytes, block));
    const acks = await Promise.all(blocks.map((chunks) => acked(carrier, chunks)));
    expect(acks.map(({ success, block_number: block }) => [success, block])).toEqual(
      blocks.map((_, block) => [true, block]),
    );
    expect(receivedFile(folder, 'file').equals(bytes)).toBe(true);
  });

  it('a name in any writing arrives as it was', async () => {
    const { carrier, receiver } = await connected();
    const name = 'Ärger \u0001 "файл" 文件 🗂️\n';
    const bytes = randomBytes(10);
    const transfer = transferOf(bytes, `ordner/${name}`);
    expect(await acked(carrier, chunksOf(transfer, bytes, 0))).toMatchObject({ file_name: name });
    expect(receiver.index.transfer(transfer.id)).toMatchObject({ path: `ordner/${name}` });
  });

  it('the largest chunk with the longest path gets through', async () => {
    const { carrier, receiver } = await connected();
    // As long as Linux has them; a header is ASCII, six characters for each of these.
    const name = 'ж'.repeat(127);
    const path = Array.from({ length: 16 }, () => name).join('/');
    expect(Buffer.byteLength(path)).toBeGreaterThan(filePathBytesMax - 20);
    const bytes = randomBytes(rawChunkBytes);
    const transfer = transferOf(bytes, path);
    expect(await acked(carrier, chunksOf(transfer, bytes, 0))).toMatchObject({ success: true });
    expect(receiver.index.transfer(transfer.id)).toMatchObject({ path, file_name: name });
  });

  it('chunks that come twice change nothing', async () => {
    const { carrier, folder } = await connected();
    const bytes = randomBytes(blockBytesMin);
    const chunks = chunksOf(transferOf(bytes), bytes, 0);
    const twice = chunks.flatMap((chunk) => [chunk, chunk]);
    expect(await acked(carrier, twice)).toMatchObject({ success: true });
    expect(receivedFile(folder, 'file').equals(bytes)).toBe(true);
  });

  it('a block that is there already is acknowledged as such', async () => {
    const { carrier, receiver } = await connected();
    const bytes = randomBytes(blockBytesMin);
    const chunks = chunksOf(transferOf(bytes), bytes, 0);
    await acked(carrier, chunks);
    const again = await acked(carrier, chunks);
    // Where acknowledgments come by themselves, the first may be heard again.
    expect(again).toMatchObject({ success: true, checksum: sha256Of(bytes) });
    expect(receiver.counts.blocks).toBe(1);
  });

  it('a block that was damaged on the way is not stored, says why, and arrives when sent again', async () => {
    const { carrier, receiver, folder } = await connected();
    const bytes = randomBytes(100);
    const chunks = chunksOf(transferOf(bytes), bytes, 0);
    expect(await acked(carrier, damaged(chunks))).toMatchObject({
      success: false,
      reason: expect.stringMatching(/./),
    });
    expect(receiver.counts.blocks).toBe(0);
    let ack = await acked(carrier, chunks);
    // Where acknowledgments come by themselves, the failure may be heard again first.
    if (!ack.success) ack = await acked(carrier, chunks);
    expect(ack).toMatchObject({ success: true });
    expect(receivedFile(folder, 'file').equals(bytes)).toBe(true);
  });

  it('a signal that has aborted already sends nothing', async () => {
    const { carrier, receiver } = await connected();
    const bytes = randomBytes(10);
    const [chunk] = chunksOf(transferOf(bytes), bytes, 0);
    if (chunk === undefined) throw new Error('an empty block has a chunk');
    const sending = carrier.send(chunk, AbortSignal.abort());
    await expect(sending).rejects.toMatchObject({ code: 'aborted' });
    expect(receiver.counts).toMatchObject({ blocks: 0 });
  });

  it('closing twice is closing once', async () => {
    const { carrier } = await connect();
    await carrier.close();
    await carrier.close();
  });
}

export function describeBlockAnswers(connect: ConnectBlocks): void {
  async function connected(): Promise<Connected> {
    const all = await connect();
    onTestFinished(() => all.carrier.close());
    return all;
  }

  it('each answer tells which chunk is wanted next', async () => {
    const { carrier } = await connected();
    const bytes = randomBytes(blockBytesMin);
    const chunks = chunksOf(transferOf(bytes), bytes, 0);
    const answers: number[] = [];
    for (const chunk of chunks) answers.push((await carrier.send(chunk, never)).nextChunk);
    expect(answers).toEqual([1, 2]);
  });

  it('a chunk before which another is missing is not taken: the missing one is asked for', async () => {
    const { carrier } = await connected();
    const bytes = randomBytes(blockBytesMin);
    const last = chunksOf(transferOf(bytes), bytes, 0).at(-1);
    if (last === undefined) throw new Error('a block has a chunk');
    const { nextChunk, ack } = await carrier.send(last, never);
    expect({ nextChunk, ack }).toEqual({ nextChunk: 0, ack: undefined });
  });

  it('what is there of a block is not asked for again', async () => {
    const { carrier } = await connected();
    const bytes = randomBytes(blockBytesMin);
    const [first] = chunksOf(transferOf(bytes), bytes, 0);
    if (first === undefined) throw new Error('a block has a chunk');
    await carrier.send(first, never);
    expect((await carrier.send(first, never)).nextChunk).toBe(1);
  });

  it('a block that is there is acknowledged at its first chunk', async () => {
    const { carrier } = await connected();
    const bytes = randomBytes(blockBytesMin);
    const chunks = chunksOf(transferOf(bytes), bytes, 0);
    await acked(carrier, chunks);
    const [first] = chunks;
    if (first === undefined) throw new Error('a block has a chunk');
    const { ack } = await carrier.send(first, never);
    expect(ack).toMatchObject({ success: true, duplicate: true, checksum: sha256Of(bytes) });
  });
}
