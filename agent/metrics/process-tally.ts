/** Gathers what a scan of all processes saw into the lists of a sample. */
import type { Processes, ProcessRow } from '../../wire/records/sample.ts';
import { hundredths, percentOf, wholeAmount } from './numbers.ts';
import type { ProcessScan } from './source.ts';
import { Top } from './top.ts';
import type { Look, Observation } from './process-reading.ts';

export interface TallyOptions {
  /** Rows of each list. */
  readonly topCount: number;
  readonly pageBytes: number;
  readonly memoryBytes: number;
}

export class ProcessTally {
  readonly #options: TallyOptions;
  readonly #byCpu: Top<ProcessRow>;
  readonly #byMemory: Top<ProcessRow>;
  readonly #byIo: Top<ProcessRow>;
  #count = 0;
  #ratedCount = 0;
  #ioCount = 0;
  #cpuReason = 'no process was found';
  #ioReason = this.#cpuReason;

  constructor(options: TallyOptions) {
    this.#options = options;
    this.#byCpu = new Top(options.topCount);
    this.#byMemory = new Top(options.topCount);
    this.#byIo = new Top(options.topCount);
  }

  /**
   * A process whose CPU time is not known yet is counted and waits for the next scan: a row of it
   * would need a CPU share, and 0 would be a lie.
   */
  add(pid: number, look: Look): void {
    if (look === 'gone') return;
    this.#count += 1;
    if (look === 'denied') return;
    if (typeof look.io === 'string') this.#ioReason = look.io;
    else this.#ioCount += 1;
    if (typeof look.cpuPct === 'string') {
      this.#cpuReason = look.cpuPct;
      return;
    }
    this.#ratedCount += 1;
    this.#rank(pid, look, look.cpuPct);
  }

  /** The rows that made it into some list, each once. Their names are still the system's. */
  rows(): Set<ProcessRow> {
    return new Set([this.#byCpu, this.#byMemory, this.#byIo].flatMap((top) => top.rows()));
  }

  result(): ProcessScan {
    if (this.#ratedCount === 0) return { unavailable: { processes: this.#cpuReason } };
    const processes: Processes = {
      count: this.#count,
      by_cpu: this.#byCpu.rows(),
      by_mem: this.#byMemory.rows(),
    };
    if (this.#ioCount === 0) {
      return { processes, unavailable: { 'processes.by_io': this.#ioReason } };
    }
    processes.by_io = this.#byIo.rows();
    return { processes, unavailable: {} };
  }

  /** The row is made only for the few that some list takes. */
  #rank(pid: number, seen: Observation, cpuPct: number): void {
    const ioBytes = typeof seen.io === 'string' ? 0 : seen.io.readBytes + seen.io.writeBytes;
    const isLarge =
      this.#byCpu.takes(cpuPct) ||
      this.#byMemory.takes(seen.residentPages) ||
      this.#byIo.takes(ioBytes);
    if (!isLarge) return;
    const row = this.#rowOf(pid, seen, cpuPct);
    this.#byCpu.offer(cpuPct, row);
    this.#byMemory.offer(seen.residentPages, row);
    this.#byIo.offer(ioBytes, row);
  }

  #rowOf(pid: number, seen: Observation, cpuPct: number): ProcessRow {
    const rss = seen.residentPages * this.#options.pageBytes;
    const row: ProcessRow = {
      pid,
      name: seen.comm,
      cpu_pct: hundredths(cpuPct),
      mem_pct: percentOf(rss, this.#options.memoryBytes),
      rss: wholeAmount(rss),
    };
    if (typeof seen.io === 'string') return row;
    row.read = wholeAmount(seen.io.readBytes);
    row.write = wholeAmount(seen.io.writeBytes);
    return row;
  }
}
