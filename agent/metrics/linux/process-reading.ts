/** What was read of one process, and what two readings say together. */
import { intervalBetween, type Moment, rateOver } from '../../../runtime/rates.ts';
import type { ProcessIo } from './process-stat.ts';

/** A process's counters at one moment; `io` is a string when it cannot be read, and says why. */
export interface Reading {
  readonly at: Moment;
  readonly cpuTicks: number;
  readonly io: ProcessIo | string;
}

/** What one look at one process gave. */
export interface Observation {
  /** Percent of one core; a string says why it is not known. */
  readonly cpuPct: number | string;
  readonly residentPages: number;
  /** Bytes a second of storage I/O; a string says why they are not known. */
  readonly io: ProcessIo | string;
  /** The kernel's name. It stands in the shared buffer: to be asked for before the next look. */
  readonly comm: () => string;
}

/** `gone`: it ended since it was listed. `denied`: it exists and is not ours to look at. */
export type Look = Observation | 'gone' | 'denied';

export function ioRate(before: Reading | undefined, after: Reading): ProcessIo | string {
  if (typeof after.io === 'string') return after.io;
  if (before === undefined) return 'first_reading';
  if (typeof before.io === 'string') return before.io;
  const interval = intervalBetween(before.at, after.at);
  const read = rateOver(interval, before.io.readBytes, after.io.readBytes);
  if ('unavailable' in read) return read.unavailable;
  const write = rateOver(interval, before.io.writeBytes, after.io.writeBytes);
  if ('unavailable' in write) return write.unavailable;
  return { readBytes: read.perSecond, writeBytes: write.perSecond };
}
