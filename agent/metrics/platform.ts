/** Chooses what reads the metrics on this operating system. */
import type { Clock } from '../../runtime/clock.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { linuxPlatform } from './linux/platform.ts';
import type { ProcessScan } from './linux/process-tally.ts';
import type { Roots, Source } from './source.ts';

export interface Platform {
  /** Read in each tick, in this order. */
  readonly sources: readonly Source[];
  readonly processes: ProcessReader;
}

export interface ProcessReader {
  /** Rejects with WindrowError `aborted` when stopped. Two scans never overlap. */
  scan(signal: AbortSignal): Promise<ProcessScan>;
  /** Closes what was kept open and stops a scan that runs; may be called twice. */
  close(): void;
}

export interface PlatformOptions extends Roots {
  readonly clock: Clock;
  /** Rows of each list of processes. */
  readonly topProcesses: number;
}

/** Throws WindrowError `usage` on an operating system whose metrics cannot be read yet. */
export function platformFor(os: NodeJS.Platform, options: PlatformOptions): Platform {
  if (os === 'linux') return linuxPlatform(options);
  throw new WindrowError('usage', `metrics for ${os} are not here yet`, {
    hint: 'Run the agent on Linux; the collector runs here and shows other machines.',
  });
}
