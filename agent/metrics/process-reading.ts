/** What was read of one process, and what two readings say together. */
import { intervalBetween, type Moment, rateOver } from '../../runtime/rates.ts';

/** Bytes that a process caused to be read and written. */
export interface ProcessIo {
  readonly readBytes: number;
  readonly writeBytes: number;
}

export const noIo: ProcessIo = { readBytes: 0, writeBytes: 0 };

/** A process's counters at one moment; `io` is a string when it cannot be read, and says why. */
export interface Reading {
  /** While the counters stay what they are, it moves on. */
  at: Moment;
  /** Time on a CPU since it started. */
  readonly cpuMs: number;
  readonly io: ProcessIo | string;
}

interface Seen {
  readonly reading: Reading;
  readonly residentPages: number;
  readonly comm: string;
}

/** What one look at one process gave. */
export interface Observation {
  /** Percent of one core; a string says why it is not known. */
  readonly cpuPct: number | string;
  readonly residentPages: number;
  /** Bytes a second of storage I/O; a string says why they are not known. */
  readonly io: ProcessIo | string;
  /** The system's name. */
  readonly comm: string;
}

/** `gone`: it ended since it was listed. `denied`: it exists and is not ours to look at. */
export type Look = Observation | 'gone' | 'denied';

/** What was seen last of a process, and its reading before that. */
export function observe(seen: Seen, before: Reading | undefined): Observation {
  const { reading, residentPages, comm } = seen;
  const interval = intervalBetween(before?.at, reading.at);
  const cpuMs = rateOver(interval, before?.cpuMs ?? 0, reading.cpuMs);
  return {
    cpuPct: 'unavailable' in cpuMs ? cpuMs.unavailable : (cpuMs.perSecond / 1000) * 100,
    residentPages,
    io: ioRate(before, reading),
    comm,
  };
}

function ioRate(before: Reading | undefined, after: Reading): ProcessIo | string {
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
