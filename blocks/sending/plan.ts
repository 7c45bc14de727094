/** What is sent of a file, from what is known of it: its transfer, and the record of each chunk. Pure. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path/posix';
import type { EngineName } from '../../native/sha256/engine.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { blocksMax } from '../../wire/limits.ts';
import type { BlockChunk, SenderWork } from '../../wire/records/block-chunk.ts';
import { blockCount, blockSpan } from '../../wire/records/block-shape.ts';
import { WIRE_VERSION } from '../../wire/version.ts';

/** What a file was when it was looked at. Another value in any of them is another version of it. */
export interface FileVersion {
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly inode: bigint;
}

export interface SourceFile {
  /** Absolute. */
  readonly path: string;
  /** From the folder that holds what was asked for, with `/` between folders. */
  readonly relativePath: string;
  readonly version: FileVersion;
}

export interface Transfer {
  /** 32 hex digits; the same for the same version of a file, whenever it is sent. */
  readonly id: string;
  readonly sender: string;
  readonly file: SourceFile;
  readonly blockBytes: number;
  readonly totalBlocks: number;
}

/** A chunk as the pipeline makes it. */
export interface PreparedChunk {
  /** From 0. */
  readonly chunk: number;
  readonly rawBytes: number;
  readonly encoding: 'raw' | 'lz4';
  /** Eight hex digits, of the payload. */
  readonly crc32: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Of the whole block, with its last chunk. */
  readonly sha256: string | undefined;
}

/** @throws WindrowError `input` when blocks of this size are too many */
export function planTransfer(
  file: SourceFile,
  { sender, blockBytes }: { readonly sender: string; readonly blockBytes: number },
): Transfer {
  const totalBlocks = blockCount(file.version.sizeBytes, blockBytes);
  if (totalBlocks > blocksMax) {
    throw new WindrowError('input', `would have more than ${blocksMax} blocks`, {
      hint: 'Choose larger blocks with --block-size.',
    });
  }
  return { id: transferId(file, sender, blockBytes), sender, file, blockBytes, totalBlocks };
}

/** The relative path too: under another one it is another file to the receiver. */
function transferId(
  { path, relativePath, version }: SourceFile,
  sender: string,
  blockBytes: number,
) {
  const { sizeBytes, mtimeNs, inode } = version;
  const identity = [sender, path, relativePath, sizeBytes, `${mtimeNs}`, `${inode}`, blockBytes];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
}

export function blockSizeBytes({ file, blockBytes }: Transfer, blockNumber: number): number {
  const { start, end } = blockSpan({ sizeBytes: file.version.sizeBytes, blockBytes }, blockNumber);
  return end - start;
}

/** What of a transfer its receiver has for good. */
export interface Acknowledged {
  readonly blocks: number;
  readonly bytes: number;
}

/** @param hasLast whether the last block, which is a shorter one, is among them */
export function acknowledgedOf(transfer: Transfer, blocks: number, hasLast: boolean): Acknowledged {
  if (!hasLast) return { blocks, bytes: blocks * transfer.blockBytes };
  const lastBytes = blockSizeBytes(transfer, transfer.totalBlocks - 1);
  return { blocks, bytes: (blocks - 1) * transfer.blockBytes + lastBytes };
}

interface SentChunk extends PreparedChunk {
  /** By which the block was hashed. */
  readonly engine: EngineName;
  /** With the last chunk. */
  readonly work?: SenderWork;
  readonly sentAtMs: number;
}

/** The record that tells where a chunk belongs. */
export function chunkRecord(
  { id, sender, file, blockBytes, totalBlocks }: Transfer,
  blockNumber: number,
  { chunk, rawBytes, encoding, crc32, sha256, engine, work, sentAtMs }: SentChunk,
): BlockChunk {
  const { sizeBytes } = file.version;
  const { start, end } = blockSpan({ sizeBytes, blockBytes }, blockNumber);
  return {
    v: WIRE_VERSION,
    transfer_id: id,
    sender,
    file_name: basename(file.relativePath),
    path: file.relativePath,
    file_size_bytes: sizeBytes,
    block_bytes: blockBytes,
    total_blocks: totalBlocks,
    block_number: blockNumber,
    start_offset: start,
    end_offset: end,
    chunk,
    raw_bytes: rawBytes,
    encoding,
    crc32,
    sent_at: sentAtMs,
    ...(sha256 === undefined ? {} : { last: { sha256, engine, ...(work && { work }) } }),
  };
}
