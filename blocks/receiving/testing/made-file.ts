/** A file as a sender would cut it, for tests of what receives it. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { compressFrame } from '../../../native/lz4.ts';
import { type BlockChunk } from '../../../wire/records/block-chunk.ts';
import { blockCount, blockSpan, chunkCount, chunkSpan } from '../../../wire/records/block-shape.ts';
import type { IncomingChunk } from '../receiver.ts';

export const mib = 1024 * 1024;

export interface MadeFile {
  readonly content: Buffer;
  readonly path: string;
  readonly sender: string;
  readonly blockBytes: number;
  /** 32 hex digits; of path, sender and content when not given. */
  readonly transferId: string;
}

/** Bytes that look random and are the same each time. */
export function contentOf(sizeBytes: number, seed = 1): Buffer {
  return createHash('shake256', { outputLength: sizeBytes }).update(`${seed}`).digest();
}

export function madeFile(changes: Partial<MadeFile> = {}): MadeFile {
  const { content = contentOf(100), path = 'var/log.txt', sender = 'desk-12' } = changes;
  const identity = createHash('sha256').update(path).update(sender).update(content).digest('hex');
  return {
    content,
    path,
    sender,
    blockBytes: mib,
    transferId: identity.slice(0, 32),
    ...changes,
  };
}

export function blocksOf({ content, blockBytes }: MadeFile): number {
  return blockCount(content.length, blockBytes);
}

export function contentOfBlock(file: MadeFile, blockNumber: number): Buffer {
  const { start, end } = blockSpan(
    { sizeBytes: file.content.length, blockBytes: file.blockBytes },
    blockNumber,
  );
  return file.content.subarray(start, end);
}

/** All chunks of a block, stored; `changes` are made to each record after it was computed. */
export function chunksOf(
  file: MadeFile,
  blockNumber: number,
  changes: Partial<BlockChunk> = {},
): IncomingChunk[] {
  const block = contentOfBlock(file, blockNumber);
  const { start, end } = blockSpan(
    { sizeBytes: file.content.length, blockBytes: file.blockBytes },
    blockNumber,
  );
  const count = chunkCount(block.length);
  return Array.from({ length: count }, (_, chunk) => {
    const span = chunkSpan(block.length, chunk);
    // A copy: who takes it may take its memory too.
    const payload = Uint8Array.from(block.subarray(span.start, span.end));
    const record: BlockChunk = {
      v: 1,
      transfer_id: file.transferId,
      sender: file.sender,
      file_name: file.path.slice(file.path.lastIndexOf('/') + 1),
      path: file.path,
      file_size_bytes: file.content.length,
      block_bytes: file.blockBytes,
      total_blocks: blocksOf(file),
      block_number: blockNumber,
      start_offset: start,
      end_offset: end,
      chunk,
      raw_bytes: payload.length,
      encoding: 'raw',
      crc32: crc32Of(payload),
      sent_at: 1_795_233_211_884,
      ...(chunk === count - 1
        ? { last: { sha256: createHash('sha256').update(block).digest('hex') } }
        : {}),
      ...changes,
    };
    return { chunk: record, payload };
  });
}

/** The same chunk, compressed. */
export function packed({ chunk, payload }: IncomingChunk): IncomingChunk {
  const frame = compressFrame(payload);
  return { chunk: { ...chunk, encoding: 'lz4', crc32: crc32Of(frame) }, payload: frame };
}

export function crc32Of(payload: Uint8Array): string {
  return crc32(payload).toString(16).padStart(8, '0');
}
