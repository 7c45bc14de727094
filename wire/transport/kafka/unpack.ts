/**
 * Unpacks a batch, whichever way it is packed. Nobody knows who packed it: each way is bounded before
 * anything is allocated, or while it grows.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { decompressedBytes } from '../../../native/lz4-frame.ts';
import { decompressFrame } from '../../../native/lz4.ts';
import { release } from '../../../runtime/release.ts';
import { unpackSnappy } from './snappy.ts';

/** MiB that a batch may unpack to: what a topic with defaults takes of one, 1 MiB, sixteenfold. */
const batchMiBMax = 16;
const batchBytesMax = batchMiBMax * 1024 * 1024;

type UnpackSync = (packed: Buffer, limit: { readonly maxOutputLength: number }) => Buffer;

/** By the number in a batch's attributes; undefined where it comes to more than `batchBytesMax`. */
const WAYS: readonly ((packed: Buffer) => Buffer | undefined)[] = [
  (packed) => (packed.length > batchBytesMax ? undefined : packed),
  (packed) => bounded(gunzipSync, packed),
  (packed) => unpackSnappy(packed, batchBytesMax),
  unpackLz4,
  (packed) => bounded(zstdDecompressSync, packed),
];

/** @throws when it is broken, packed in an unknown way, or comes to more than 16 MiB */
export function unpack(codec: number, packed: Buffer): Buffer {
  const way = WAYS[codec];
  if (way === undefined) throw new Error(`a batch is packed in an unknown way, ${codec}`);
  const bytes = way(packed);
  if (bytes === undefined) throw new Error(`a batch unpacks to more than ${batchMiBMax} MiB`);
  return bytes;
}

function bounded(unpackSync: UnpackSync, packed: Buffer): Buffer | undefined {
  try {
    return unpackSync(packed, { maxOutputLength: batchBytesMax });
  } catch (error) {
    if (hasCode(error, 'ERR_BUFFER_TOO_LARGE')) return undefined;
    throw error;
  }
}

function unpackLz4(packed: Buffer): Buffer | undefined {
  if (decompressedBytes(packed, Infinity) > batchBytesMax) return undefined;
  // Not by the library, which keeps the memory of each frame that it cannot read.
  const content = decompressFrame(packed, batchBytesMax);
  // In memory that the garbage collector counts: who reads the records need not release them.
  const bytes = Buffer.from(content);
  release(content);
  return bytes;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
