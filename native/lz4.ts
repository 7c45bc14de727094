/** LZ4 frames, as the `lz4` program reads and writes them. Synchronous: for use in worker threads. */
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { messageOf, WindrowError } from '../runtime/errors.ts';
import { decompressedBytes } from './lz4-frame.ts';

/** One frame. What does not compress is stored in it, a few bytes larger than it was. */
export function compressFrame(bytes: Uint8Array): Buffer {
  return compressFrameSync(asBuffer(bytes));
}

/**
 * The content of a single whole frame that comes from anywhere. The library itself knows no limit,
 * so what the frame will come to is counted first.
 *
 * @throws WindrowError `input` when it is no frame, is damaged, or holds more than `bytesMax`
 */
export function decompressFrame(frame: Uint8Array, bytesMax: number): Buffer {
  const bytes = decompressedBytes(frame, bytesMax);
  const content = decompressed(frame);
  if (content.length !== bytes) throw damaged(`${content.length} bytes instead of ${bytes}`);
  return content;
}

function decompressed(frame: Uint8Array): Buffer {
  try {
    return decompressFrameSync(asBuffer(frame));
  } catch (error) {
    throw damaged(messageOf(error));
  }
}

function damaged(reason: string): WindrowError {
  return new WindrowError('input', `a damaged LZ4 frame: ${reason}`);
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
