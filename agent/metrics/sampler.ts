/**
 * Measures the machine. The base set is read in one go each tick; processes are scanned apart, in
 * slices, and what a scan found goes into the next sample, once.
 */
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { topProcessesMax } from '../../wire/limits.ts';
import type { Measurements } from '../../wire/records/sample.ts';
import { platformFor } from './platform.ts';
import { type Draft, markUnavailable, type ProcessScan, reasonOf, type Source } from './source.ts';

export interface SamplerOptions {
  readonly clock?: Clock;
  /** Rows of each list of processes, 1 to `topProcessesMax`. */
  readonly topProcesses?: number;
  /** Where /proc and /sys are; other folders in tests. */
  readonly procRoot?: string;
  readonly sysRoot?: string;
  readonly os?: NodeJS.Platform;
}

export interface Sampler {
  /**
   * One sample of everything that can be read; never throws. What is absent has its reason in
   * `unavailable`: the kernel's (`ENOENT /proc/diskstats`) or, for rates, a `Gap`
   * (`first_reading`, `reset`, `suspended`, `no_time_passed`).
   */
  sample(): Measurements;
  /**
   * Looks at every process; the next sample then has `processes`, or why not. While a scan runs, a
   * second call waits for the same one. Rejects with WindrowError `aborted` only.
   */
  scanProcesses(signal: AbortSignal): Promise<void>;
  /** Closes all descriptors and stops a scan that runs; may be called twice. */
  close(): void;
}

const topProcessesDefault = 10;

/** Throws WindrowError: `usage` on an OS without metrics, `config` for a bad `topProcesses`. */
export function createSampler(options: SamplerOptions = {}): Sampler {
  const topProcesses = options.topProcesses ?? topProcessesDefault;
  assertTopProcesses(topProcesses);
  const { sources, processes } = platformFor(options.os ?? process.platform, {
    clock: options.clock ?? systemClock,
    procRoot: options.procRoot ?? '/proc',
    sysRoot: options.sysRoot ?? '/sys',
    topProcesses,
  });
  let scanned: ProcessScan | undefined;
  return {
    sample() {
      const draft: Draft = { unavailable: {} };
      for (const source of sources) readSource(source, draft);
      if (scanned !== undefined) addScan(draft, scanned);
      scanned = undefined;
      return finished(draft);
    },
    async scanProcesses(signal) {
      try {
        scanned = await processes.scan(signal);
      } catch (error) {
        if (error instanceof WindrowError && error.code === 'aborted') throw error;
        scanned = { unavailable: { processes: reasonOf(error) } };
      }
    },
    close() {
      for (const source of sources) source.close();
      processes.close();
    },
  };
}

/** One source that fails must not take the others' metrics with it. */
function readSource(source: Source, draft: Draft): void {
  try {
    source.read(draft);
  } catch (error) {
    markUnavailable(draft, source.metrics, reasonOf(error));
  }
}

function addScan(draft: Draft, scanned: ProcessScan): void {
  if (scanned.processes !== undefined) draft.processes = scanned.processes;
  Object.assign(draft.unavailable, scanned.unavailable);
}

function finished(draft: Draft): Measurements {
  const { unavailable, ...measured } = draft;
  return Object.keys(unavailable).length === 0 ? measured : draft;
}

function assertTopProcesses(count: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= topProcessesMax) return;
  throw new WindrowError('config', `topProcesses is ${count}`, {
    hint: `Set it to a whole number from 1 to ${topProcessesMax}.`,
  });
}
