/** What a part of the sampler is: something that reads a few metrics, synchronously, each tick. */
import type { Clock } from '../../runtime/clock.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Moment } from '../../runtime/rates.ts';
import { reasonCharsMax } from '../../wire/limits.ts';
import type { Measurements } from '../../wire/records/sample.ts';

/** A sample while it is being measured: every source adds its metrics, or why they are absent. */
export type Draft = Measurements & { unavailable: Record<string, string> };

export interface Source {
  /** All keys that `read` may add. If it throws, they are all unavailable for the reason thrown. */
  readonly metrics: readonly (keyof Measurements)[];
  /** Reads once and adds to `draft`. Holds the loop, so nothing here may wait for a device. */
  read(draft: Draft): void;
  /** Closes what was kept open; may be called twice. */
  close(): void;
}

/** What each source reads through; `procRoot` and `sysRoot` are folders of their own in tests. */
export interface Roots {
  readonly procRoot: string;
  readonly sysRoot: string;
}

/** What one scan of the processes adds to the next sample. */
export type ProcessScan = Pick<Draft, 'processes' | 'unavailable'>;

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

/** Both clocks, read together: taken right after the counters that it dates. */
export function momentOf(clock: Clock): Moment {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
}

/** Why a metric is absent that this system has not: nobody can mend that. */
export const notCounted = 'this system does not count it';

/** Why a metric is absent, for people, in the length that the wire takes. */
export function reasonOf(error: unknown): string {
  return messageOf(error).slice(0, reasonCharsMax);
}

/** Marks `metrics` as absent for one reason. */
export function markUnavailable(draft: Draft, metrics: readonly string[], reason: string): void {
  for (const metric of metrics) draft.unavailable[metric] = reason;
}
