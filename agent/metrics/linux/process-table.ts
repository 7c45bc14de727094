/**
 * The processes that are known from earlier scans, so that their counters become rates.
 *
 * Invariant: a process is its pid and its start time. A pid with another start time is another
 * process, and no reading of one is ever compared with a reading of the other.
 *
 * Most processes sleep. One that has a single thread and was not on a CPU since the last look has
 * used no CPU, caused no I/O, started no thread and no other program: nothing of it is read again.
 */
import type { Clock } from '../../../runtime/clock.ts';
import { type Gap, intervalBetween, type Moment } from '../../../runtime/rates.ts';
import { momentOf } from '../source.ts';
import type { DescriptorBudget } from './process-file.ts';
import { isDenied, isGone, ProcessFiles } from './process-files.ts';
import { type Look, noIo, type Observation, observe, type Reading } from '../process-reading.ts';
import type { ProcessStat } from './process-stat.ts';
import { Scan } from './scan.ts';

/**
 * Looks from one reading of a sleeping process's memory to the next, a minute by default: the
 * kernel may take memory from it meanwhile. Whose turn it is goes by pid, so that each look reads
 * as many.
 */
export const memoryLookEvery = 12;
/** USER_HZ, the unit of times in /proc, is 100 on every architecture that Node runs on. */
const tickMs = 10;

interface Known {
  readonly startTicks: number;
  readonly files: ProcessFiles;
  reading: Reading;
  /** These three as of the last reading of stat. */
  comm: string;
  residentPages: number;
  threads: number;
  /** CPU time of the first thread, in ns, read before `reading`; NaN when it was not. */
  ranNs: number;
  scanNumber: number;
}

/** When a scan began; `uptimeS` is NaN when it is not known. */
interface ScanStart {
  readonly at: Moment;
  readonly uptimeS: number;
}

export class ProcessTable {
  readonly #clock: Clock;
  readonly #procRoot: string;
  readonly #budget: DescriptorBudget = { open: 0 };
  readonly #known = new Map<number, Known>();
  readonly #scan = new Scan();
  #scanNumber = 0;
  #start: ScanStart;
  /** Why there are no rates since the scan before, if so. */
  #gap: Gap | undefined;
  /** Of the last complete scan: who was born since then has counted from 0 since then. */
  #lastStart: ScanStart | undefined;

  constructor(clock: Clock, procRoot: string) {
    this.#clock = clock;
    this.#procRoot = procRoot;
    this.#start = { at: momentOf(clock), uptimeS: Number.NaN };
  }

  /** Descriptors that are open now. */
  get openDescriptors(): number {
    return this.#budget.open;
  }

  begin(uptimeS: number): void {
    const at = momentOf(this.#clock);
    const interval = intervalBetween(this.#start.at, at);
    this.#scanNumber += 1;
    this.#gap = 'unavailable' in interval ? interval.unavailable : undefined;
    this.#start = { at, uptimeS };
  }

  /** Ends a scan that has looked at every process: those not seen are forgotten. */
  end(): void {
    this.#lastStart = this.#start;
    this.#known.forEach((known, pid) => {
      if (known.scanNumber !== this.#scanNumber) this.#forget(pid, known);
    });
  }

  /** Throws the system's error when reading fails for a reason that is not the process's own. */
  look(pid: number): Look {
    const known = this.#known.get(pid);
    try {
      if (known !== undefined) {
        const observation = this.#lookAgain(pid, known);
        if (observation !== undefined) return observation;
        this.#forget(pid, known);
      }
      return this.#lookFirst(pid);
    } catch (error) {
      if (isDenied(error)) return 'denied';
      if (isGone(error)) return 'gone';
      throw error;
    }
  }

  /** With the pid it says who a process is; undefined when it is not known. */
  startTicksOf(pid: number): number | undefined {
    return this.#known.get(pid)?.startTicks;
  }

  /** Its `comm` now; undefined when it is another process by now. Throws the system's error. */
  commOf(pid: number, startTicks: number): string | undefined {
    const known = this.#known.get(pid);
    if (known?.startTicks !== startTicks) return undefined;
    const stat = known.files.stat({ keep: false });
    return stat?.startTicks === startTicks ? this.#commIn(stat) : undefined;
  }

  close(): void {
    for (const [pid, known] of this.#known) this.#forget(pid, known);
  }

  /** Undefined when the process that we knew is no more; its pid may be another's by now. */
  #lookAgain(pid: number, known: Known): Observation | undefined {
    // Read before the rest: what runs in between is then seen by the next look.
    const ranNs = known.threads === 1 ? known.files.ranNs() : Number.NaN;
    const sleeps = ranNs === known.ranNs;
    known.ranNs = ranNs;
    return sleeps ? this.#lookAsleep(pid, known) : this.#lookAwake(known);
  }

  #lookAsleep(pid: number, known: Known): Observation | undefined {
    if ((pid + this.#scanNumber) % memoryLookEvery === 0) {
      if (this.#readStat(known, { keep: false }) === undefined) return undefined;
      known.files.releaseStat();
    }
    const { reading, residentPages, comm } = known;
    // Its counters are what they were, at this scan's start too.
    reading.at = this.#start.at;
    known.scanNumber = this.#scanNumber;
    const io = typeof reading.io === 'string' ? reading.io : (this.#gap ?? noIo);
    return { cpuPct: this.#gap ?? 0, residentPages, io, comm };
  }

  #lookAwake(known: Known): Observation | undefined {
    const stat = this.#readStat(known, { keep: true });
    if (stat === undefined) return undefined;
    const before = known.reading;
    // What was refused once is not asked again: each refusal costs an exception.
    const io = typeof before.io === 'string' ? before.io : known.files.io({ keep: true });
    known.reading = { at: momentOf(this.#clock), cpuMs: stat.cpuTicks * tickMs, io };
    known.scanNumber = this.#scanNumber;
    if (stat.threads !== 1) known.files.releaseSchedstat();
    return observe(known, before);
  }

  /** Undefined when it is not that process any more. */
  #readStat(known: Known, options: { keep: boolean }): ProcessStat | undefined {
    let stat: ProcessStat | undefined;
    try {
      stat = known.files.stat(options);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
    if (stat?.startTicks !== known.startTicks) return undefined;
    known.comm = this.#commIn(stat);
    known.residentPages = stat.residentPages;
    known.threads = stat.threads;
    return stat;
  }

  /** Keeps no descriptor of stat and io yet: most processes sleep from here on. */
  #lookFirst(pid: number): Look {
    const files = new ProcessFiles(`${this.#procRoot}/${pid}`, this.#scan, this.#budget);
    try {
      const known = this.#meet(files);
      if (known === undefined) return 'gone';
      this.#known.set(pid, known);
      return observe(known, this.#bornWith(known));
    } finally {
      if (!this.#known.has(pid)) files.close();
    }
  }

  #meet(files: ProcessFiles): Known | undefined {
    const ranNs = files.ranNs();
    const stat = files.stat({ keep: false });
    if (stat === undefined) return undefined;
    const comm = this.#commIn(stat);
    const { startTicks, cpuTicks, residentPages, threads } = stat;
    const at = momentOf(this.#clock);
    const reading = { at, cpuMs: cpuTicks * tickMs, io: files.io({ keep: false }) };
    if (threads !== 1) files.releaseSchedstat();
    const scanNumber = this.#scanNumber;
    return { startTicks, files, reading, comm, residentPages, threads, ranNs, scanNumber };
  }

  /**
   * The counters of a process that was born after the last scan began: all were 0 then. Without
   * this, what starts and works hard within one interval would never be seen.
   */
  #bornWith({ startTicks }: Known): Reading | undefined {
    const last = this.#lastStart;
    if (last === undefined) return undefined;
    const isNew = (startTicks * tickMs) / 1000 >= last.uptimeS;
    return isNew ? { at: last.at, cpuMs: 0, io: noIo } : undefined;
  }

  #commIn({ nameStart, nameEnd }: ProcessStat): string {
    return this.#scan.bytes.toString('utf8', nameStart, nameEnd);
  }

  #forget(pid: number, known: Known): void {
    this.#known.delete(pid);
    known.files.close();
  }
}
