/**
 * What each engine does on this machine: measured once, on a thread of its own, then read from a
 * small file for as long as machine, CPU features and versions stay the same.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { systemClock } from '../../runtime/clock.ts';
import { makeFolderDurably, writeFileDurably } from '../../runtime/durable-file.ts';
import { startWorker } from '../../runtime/worker.ts';
import { readCache, type Cached } from './calibration-cache.ts';
import type { Rates } from './choose.ts';
import { machineKey } from './machine.ts';
import type { Measured } from './measure.ts';

/** People wait for it, once: with a last round that began just before, it is under 300 ms. */
const allMsMax = 270;
const fileName = 'hash-engines.json';

export interface Calibration {
  readonly rates: Rates;
  readonly from: 'measurement' | 'cache';
}

export interface CalibrateOptions {
  /** Where the figures are kept; made when missing. Measured anew each time when it cannot be written. */
  readonly folder: string;
  /** Whether to measure even if figures are kept. */
  readonly anew?: boolean;
  /** Another way of measuring, for tests. */
  readonly measure?: () => Promise<Measured>;
}

export async function calibrate(options: CalibrateOptions): Promise<Calibration> {
  const { folder, anew = false, measure = measureInWorker } = options;
  const path = join(folder, fileName);
  const machine = machineKey();
  const cached = anew ? undefined : readCache(path);
  if (cached?.machine === machine) return { rates: cached.rates, from: 'cache' };
  const { rates, isEnough } = await measure();
  // What a busy moment made of them must not be believed for ever.
  if (isEnough) keep(path, folder, { machine, rates });
  return { rates, from: 'measurement' };
}

async function measureInWorker(): Promise<Measured> {
  const worker = startWorker(new URL('./measure-worker.ts', import.meta.url), {
    workerData: systemClock.wallMs() + allMsMax,
  });
  try {
    const [measured] = (await once(worker, 'message')) as [Measured];
    return measured;
  } finally {
    await worker.terminate();
  }
}

function keep(path: string, folder: string, cached: Cached): void {
  try {
    makeFolderDurably(folder);
    writeFileDurably(path, `${JSON.stringify(cached)}\n`);
  } catch {
    // Only the next start is slower by the measurement; on a disk that is full or read-only that is no failure.
  }
}
