/** What a thread of the pipeline computes with. */
import { compressFrame } from '../../../native/lz4.ts';
import type { EngineName, HashGroup } from '../../../native/sha256/engine.ts';
import { ENGINES } from '../../../native/sha256/engines.ts';
import { release } from '../../../runtime/release.ts';
import { lanesPerWorker } from './messages.ts';

export interface Kernels {
  /** A stream on each lane. */
  readonly hashes: Pick<HashGroup, 'update' | 'digest' | 'reset'>;
  /** Into the same memory, as an LZ4 frame, when that is smaller. @returns what is there then */
  compress(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
}

export async function loadKernels(engine: EngineName): Promise<Kernels> {
  return {
    hashes: await hashesOf(engine),
    compress,
  };
}

function compress(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const frame = compressFrame(bytes);
  try {
    if (frame.length >= bytes.length) return bytes;
    bytes.set(frame);
    return bytes.subarray(0, frame.length);
  } finally {
    release(frame);
  }
}

/** An engine that takes one stream at a time is there once for each lane. */
async function hashesOf(name: EngineName): Promise<Kernels['hashes']> {
  const engine = ENGINES[name];
  if (engine.lanes >= lanesPerWorker) return engine.create();
  const groups = await Promise.all(Array.from({ length: lanesPerWorker }, () => engine.create()));
  const groupOf = (lane: number): HashGroup => {
    const group = groups[lane];
    if (group === undefined) throw new RangeError(`there is no lane ${lane}`);
    return group;
  };
  return {
    update: (chunks) => chunks.forEach((chunk, lane) => groupOf(lane).update([chunk])),
    digest: (lane) => groupOf(lane).digest(0),
    reset: (lane) => groupOf(lane).reset(0),
  };
}
