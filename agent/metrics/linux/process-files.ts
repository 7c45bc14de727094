/**
 * The files of one process that a scan reads: `stat` and `io`, which say what it did, and
 * `schedstat`, a third of their cost, which says whether it did anything at all.
 */
import { systemCodeOf } from '../../../runtime/errors.ts';
import type { ProcessIo } from '../process-reading.ts';
import { type DescriptorBudget, ProcessFile } from './process-file.ts';
import { type ProcessStat, parseProcessIo, parseProcessStat } from './process-stat.ts';
import type { Scan } from './scan.ts';

const goneCodes = new Set(['ENOENT', 'ESRCH']);
const deniedCodes = new Set(['EACCES', 'EPERM']);

/** Whether a read failed because the process is no more. */
export function isGone(error: unknown): boolean {
  return goneCodes.has(systemCodeOf(error) ?? '');
}

/** Whether a read failed because it is not ours to look at. */
export function isDenied(error: unknown): boolean {
  return deniedCodes.has(systemCodeOf(error) ?? '');
}

/** Content is parsed in `scan`, which all share: it is gone with the next read of any. */
export class ProcessFiles {
  readonly #scan: Scan;
  readonly #stat: ProcessFile;
  readonly #io: ProcessFile;
  readonly #schedstat: ProcessFile;
  /** A kernel without CONFIG_SCHED_INFO has none: each try would cost an exception. */
  #hasSchedstat = true;

  constructor(folder: string, scan: Scan, budget: DescriptorBudget) {
    this.#scan = scan;
    this.#stat = new ProcessFile(`${folder}/stat`, budget);
    this.#io = new ProcessFile(`${folder}/io`, budget);
    this.#schedstat = new ProcessFile(`${folder}/schedstat`, budget);
  }

  /**
   * How long the first thread was on a CPU, in ns; NaN when that is not known. Only through a kept
   * descriptor: opened anew each time, the file could be that of the next process with the pid.
   */
  ranNs(): number {
    if (!this.#hasSchedstat || !this.#schedstat.mayBeKept) return Number.NaN;
    try {
      this.#schedstat.read(this.#scan, { keep: true });
      // `0 0 0` is what a kernel writes that does not count.
      return this.#scan.number() || Number.NaN;
    } catch (error) {
      if (!isGone(error) && !isDenied(error)) throw error;
      // If it is the process that is gone, its stat says so.
      this.#hasSchedstat = false;
      return Number.NaN;
    }
  }

  /** Undefined for content that is none. Throws the system's error. */
  stat(options: { keep: boolean }): ProcessStat | undefined {
    this.#stat.read(this.#scan, options);
    return parseProcessStat(this.#scan);
  }

  /** A string says why it cannot be read. Throws the system's error when that is not the process's own. */
  io(options: { keep: boolean }): ProcessIo | string {
    try {
      this.#io.read(this.#scan, options);
    } catch (error) {
      if (isGone(error) || isDenied(error)) return `${systemCodeOf(error)} /proc/PID/io`;
      throw error;
    }
    return parseProcessIo(this.#scan) ?? 'no read_bytes in /proc/PID/io';
  }

  /** `ranNs` will not be asked for soon. */
  releaseSchedstat(): void {
    this.#schedstat.close();
  }

  /** `stat` and `io` will not be asked for soon. */
  releaseStat(): void {
    this.#stat.close();
    this.#io.close();
  }

  close(): void {
    this.releaseStat();
    this.releaseSchedstat();
  }
}
