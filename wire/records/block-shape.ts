/**
 * How a file falls into blocks, and a block into chunks. Pure, and without the schemas: threads that
 * only read or write bytes do not load those.
 */
import { rawChunkBytes } from '../limits.ts';

export interface Span {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** An empty file has one empty block. */
export function blockCount(fileSizeBytes: number, blockBytes: number): number {
  return Math.max(1, Math.ceil(fileSizeBytes / blockBytes));
}

/** Where a block lies in its file. */
export function blockSpan(file: FileShape, blockNumber: number): Span {
  const start = blockNumber * file.blockBytes;
  return { start, end: Math.min(start + file.blockBytes, file.sizeBytes) };
}

export interface FileShape {
  readonly sizeBytes: number;
  readonly blockBytes: number;
}

/** An empty block has one empty chunk. */
export function chunkCount(blockSizeBytes: number): number {
  return Math.max(1, Math.ceil(blockSizeBytes / rawChunkBytes));
}

/** Where a chunk's raw bytes lie in its block. */
export function chunkSpan(blockSizeBytes: number, chunk: number): Span {
  const start = chunk * rawChunkBytes;
  return { start, end: Math.min(start + rawChunkBytes, blockSizeBytes) };
}
