/**
 * One stage of the pipeline alone, in a thread: how fast it is with everything else away.
 * Messages: {path, start, end} of a file in, milliseconds out.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { loadKernels } from '../blocks/sending/pipeline/kernels.ts';
import { lanesPerWorker } from '../blocks/sending/pipeline/messages.ts';
import type { EngineName } from '../native/sha256/engine.ts';
import { rawChunkBytes } from '../wire/limits.ts';

export type Part = 'read' | 'hash' | 'compress';

export interface Piece {
  readonly part: Part;
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

const kernels = await loadKernels((workerData as { engine: EngineName }).engine);
/** As much as the pipeline goes round: what was read is as near to the core as it is there. */
const buffers = Array.from({ length: lanesPerWorker }, () => new Uint8Array(rawChunkBytes));

/** Each runs over all buffers, which hold what was read last. */
const WORK: Readonly<Record<Exclude<Part, 'read'>, () => void>> = {
  hash() {
    kernels.hashes.update(buffers);
  },
  compress() {
    for (const buffer of buffers) crc32(kernels.compress(buffer));
  },
};

parentPort?.on('message', ({ part, path, start, end }: Piece) => {
  const fd = openSync(path, 'r');
  let ms = 0;
  let at = start;
  while (at + buffers.length * rawChunkBytes <= end) {
    const startMs = performance.now();
    for (const buffer of buffers) at += readSync(fd, buffer, 0, rawChunkBytes, at);
    const readMs = performance.now();
    if (part === 'read') ms += readMs - startMs;
    else {
      WORK[part]();
      ms += performance.now() - readMs;
    }
  }
  closeSync(fd);
  parentPort?.postMessage({ ms, bytes: at - start });
});
