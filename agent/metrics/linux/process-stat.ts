/** One process's /proc/PID/stat and /proc/PID/io (proc(5)), parsed in place. */
import type { ProcessIo } from '../process-reading.ts';
import type { Scan } from './scan.ts';

const open = 0x28;
const close = 0x29;
/** state to cmajflt, between the name and utime. */
const wordsBeforeUtime = 11;
/** cutime to nice, between stime and num_threads; some of them may be negative. */
const wordsBeforeThreads = 4;

export interface ProcessStat {
  /** Time on a CPU, in ticks of USER_HZ. */
  readonly cpuTicks: number;
  readonly threads: number;
  /** When it started, in ticks since boot: with the pid, who it is. */
  readonly startTicks: number;
  readonly residentPages: number;
  /** Where in the buffer the name stands. */
  readonly nameStart: number;
  readonly nameEnd: number;
}

/**
 * A name may hold anything, `) S 1 (` and newlines too, so the fields start after the last `)`.
 * Undefined for content that is not a stat.
 */
export function parseProcessStat(scan: Scan): ProcessStat | undefined {
  // Buffer's own check their arguments for longer than they search.
  const { prototype } = Uint8Array;
  const nameStart = prototype.indexOf.call(scan.bytes, open) + 1;
  const nameEnd = prototype.lastIndexOf.call(scan.bytes, close, scan.length - 1);
  if (nameStart === 0 || nameEnd < nameStart || nameStart > scan.length) return undefined;
  scan.at = nameEnd + 1;
  scan.skipWords(wordsBeforeUtime);
  const cpuTicks = scan.number() + scan.number();
  scan.skipWords(wordsBeforeThreads);
  const threads = scan.number();
  scan.skipWords(1);
  const startTicks = scan.number();
  scan.skipWords(1);
  const residentPages = scan.number();
  if (Number.isNaN(cpuTicks + threads + startTicks + residentPages)) return undefined;
  return { cpuTicks, threads, startTicks, residentPages, nameStart, nameEnd };
}

const readBytesKey = Buffer.from('read_bytes:');
const writeBytesKey = Buffer.from('write_bytes:');

/**
 * Bytes that the process caused to be fetched from and sent to storage.
 *
 * cancelled_write_bytes is not subtracted: it is charged to whoever truncates a file, not to who
 * wrote it, so the difference over an interval may be negative or another process's.
 */
export function parseProcessIo(scan: Scan): ProcessIo | undefined {
  let readBytes = Number.NaN;
  let writeBytes = Number.NaN;
  for (; !scan.ended; scan.nextLine()) {
    if (scan.take(readBytesKey)) readBytes = scan.number();
    else if (scan.take(writeBytesKey)) writeBytes = scan.number();
  }
  return Number.isNaN(readBytes + writeBytes) ? undefined : { readBytes, writeBytes };
}
