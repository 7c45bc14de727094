/**
 * The processes that are known from earlier scans, so that their counters become rates.
 *
 * Invariant: a process is its pid and its start time. A pid with another start time is another
 * process, and no reading of one is ever compared with a reading of the other.
 */
import type { Clock } from '../../../runtime/clock.ts';
import { systemCodeOf } from '../../../runtime/errors.ts';
import { intervalBetween, type Moment, rateOver } from '../../../runtime/rates.ts';
import { momentOf } from '../source.ts';
import { type DescriptorBudget, ProcessFile } from './process-file.ts';
import { ioRate, type Look, type Observation, type Reading } from './process-reading.ts';
import {
  type ProcessIo,
  type ProcessStat,
  parseProcessIo,
  parseProcessStat,
} from './process-stat.ts';
import { Scan } from './scan.ts';

/** USER_HZ, the unit of times in /proc: 100 on every architecture that Node runs on. */
const ticksPerSecond = 100;
const goneCodes = new Set(['ENOENT', 'ESRCH']);
const deniedCodes = new Set(['EACCES', 'EPERM']);

interface Known {
  readonly startTicks: number;
  readonly statFile: ProcessFile;
  readonly ioFile: ProcessFile;
  reading: Reading;
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
  readonly #statScan = new Scan();
  readonly #ioScan = new Scan();
  #scanNumber = 0;
  #start: ScanStart | undefined;
  /** Of the last complete scan: who was born since then has counted from 0 since then. */
  #lastStart: ScanStart | undefined;

  constructor(clock: Clock, procRoot: string) {
    this.#clock = clock;
    this.#procRoot = procRoot;
  }

  /** Descriptors that are open now. */
  get openDescriptors(): number {
    return this.#budget.open;
  }

  begin(uptimeS: number): void {
    this.#scanNumber += 1;
    this.#start = { at: momentOf(this.#clock), uptimeS };
  }

  /** Ends a scan that has looked at every process: those not seen are forgotten. */
  end(): void {
    this.#lastStart = this.#start;
    for (const [pid, known] of this.#known) {
      if (known.scanNumber !== this.#scanNumber) this.#forget(pid, known);
    }
  }

  /** Throws the system's error when reading fails for a reason that is not the process's own. */
  look(pid: number): Look {
    const known = this.#known.get(pid);
    try {
      if (known !== undefined) {
        const observation = this.#lookAgain(known);
        if (observation !== undefined) return observation;
        this.#forget(pid, known);
      }
      return this.#lookFirst(pid);
    } catch (error) {
      const code = systemCodeOf(error) ?? '';
      if (deniedCodes.has(code)) return 'denied';
      if (goneCodes.has(code)) return 'gone';
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
    const stat = this.#readStat(known.statFile);
    return stat?.startTicks === startTicks ? this.#commIn(stat) : undefined;
  }

  close(): void {
    for (const [pid, known] of this.#known) this.#forget(pid, known);
  }

  /** Undefined when the process that we knew is no more; its pid may be another's by now. */
  #lookAgain(known: Known): Observation | undefined {
    let stat: ProcessStat | undefined;
    try {
      stat = this.#readStat(known.statFile);
    } catch (error) {
      if (goneCodes.has(systemCodeOf(error) ?? '')) return undefined;
      throw error;
    }
    if (stat?.startTicks !== known.startTicks) return undefined;
    const before = known.reading;
    // What was refused once is not asked again: each refusal costs an exception.
    const io = typeof before.io === 'string' ? before.io : this.#readIo(known.ioFile);
    known.reading = { at: momentOf(this.#clock), cpuTicks: stat.cpuTicks, io };
    known.scanNumber = this.#scanNumber;
    return this.#observe(stat, before, known.reading);
  }

  #lookFirst(pid: number): Look {
    const folder = `${this.#procRoot}/${pid}`;
    const statFile = new ProcessFile(`${folder}/stat`, this.#budget);
    const stat = this.#readStat(statFile);
    if (stat === undefined) {
      statFile.close();
      return 'gone';
    }
    const ioFile = new ProcessFile(`${folder}/io`, this.#budget);
    const known: Known = {
      startTicks: stat.startTicks,
      statFile,
      ioFile,
      reading: { at: momentOf(this.#clock), cpuTicks: stat.cpuTicks, io: 'first_reading' },
      scanNumber: this.#scanNumber,
    };
    // Known before its I/O is read, so that its descriptors are closed whatever that throws.
    this.#known.set(pid, known);
    known.reading = { ...known.reading, io: this.#readIo(ioFile) };
    return this.#observe(stat, this.#bornWith(stat), known.reading);
  }

  /**
   * The counters of a process that was born after the last scan began: all were 0 then. Without
   * this, what starts and works hard within one interval would never be seen.
   */
  #bornWith(stat: ProcessStat): Reading | undefined {
    const last = this.#lastStart;
    if (last === undefined) return undefined;
    const isNew = stat.startTicks / ticksPerSecond >= last.uptimeS;
    return isNew ? { at: last.at, cpuTicks: 0, io: { readBytes: 0, writeBytes: 0 } } : undefined;
  }

  #observe(stat: ProcessStat, before: Reading | undefined, after: Reading): Observation {
    const interval = intervalBetween(before?.at, after.at);
    const ticks = rateOver(interval, before?.cpuTicks ?? 0, after.cpuTicks);
    return {
      cpuPct: 'unavailable' in ticks ? ticks.unavailable : (ticks.perSecond / ticksPerSecond) * 100,
      residentPages: stat.residentPages,
      io: ioRate(before, after),
      comm: () => this.#commIn(stat),
    };
  }

  #readStat(file: ProcessFile): ProcessStat | undefined {
    file.read(this.#statScan);
    return parseProcessStat(this.#statScan);
  }

  #commIn({ nameStart, nameEnd }: ProcessStat): string {
    return this.#statScan.bytes.toString('utf8', nameStart, nameEnd);
  }

  #readIo(file: ProcessFile): ProcessIo | string {
    try {
      file.read(this.#ioScan);
    } catch (error) {
      const code = systemCodeOf(error) ?? '';
      if (deniedCodes.has(code) || goneCodes.has(code)) return `${code} /proc/PID/io`;
      throw error;
    }
    return parseProcessIo(this.#ioScan) ?? 'no read_bytes in /proc/PID/io';
  }

  #forget(pid: number, known: Known): void {
    this.#known.delete(pid);
    known.statFile.close();
    known.ioFile.close();
  }
}
