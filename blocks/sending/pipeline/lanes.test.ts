import { randomBytes } from 'node:crypto';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { rawChunkBytes } from '../../../wire/limits.ts';
import type { BlockJob } from '../block-reader.ts';
import { versionOf } from '../scan.ts';
import { loadKernels } from './kernels.ts';
import { Lanes } from './lanes.ts';
import { buffersPerLane, type FromWorker, lanesPerWorker } from './messages.ts';

/** A block of more chunks than a lane has buffers. */
function job(): BlockJob {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, randomBytes((buffersPerLane + 1) * rawChunkBytes));
  const version = versionOf(statSync(path, { bigint: true }));
  return { path, version, start: 0, end: version.sizeBytes };
}

async function lanes(): Promise<{ lanes: Lanes; posted: FromWorker[] }> {
  const posted: FromWorker[] = [];
  const kernels = await loadKernels('openssl');
  return { lanes: new Lanes(kernels, (message) => void posted.push(message)), posted };
}

it('compresses one chunk a step, whatever was read for all lanes', async () => {
  const { lanes: own, posted } = await lanes();
  const all = job();
  for (let lane = 0; lane < lanesPerWorker; lane += 1) own.take({ kind: 'begin', lane, job: all });
  const counts: number[] = [];
  for (let step = 0; step <= lanesPerWorker; step += 1) {
    own.step();
    counts.push(posted.length);
  }
  expect(counts).toEqual([0, 1, 2, 3, 4]);
});

it('what was read of a block that is given up goes nowhere, and its buffer is there for the next', async () => {
  const { lanes: own, posted } = await lanes();
  own.take({ kind: 'begin', lane: 0, job: job() });
  expect(own.step()).toBe(true);
  own.take({ kind: 'end', lane: 0 });
  expect(own.step()).toBe(false);
  own.take({ kind: 'begin', lane: 0, job: job() });
  while (own.step());
  const chunks = posted.flatMap((message) => (message.kind === 'chunk' ? message.chunk.chunk : []));
  expect(posted[0]).toEqual({ kind: 'ended', lane: 0 });
  expect(chunks).toEqual(Array.from({ length: buffersPerLane }, (_, chunk) => chunk));
  own.take({ kind: 'end', lane: 0 });
});
