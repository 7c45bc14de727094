/**
 * The largest processes by CPU, memory and I/O, from /proc/PID/stat and /proc/PID/io (proc(5)), the
 * rows of the lists named by /proc/PID/cmdline.
 *
 * 7,000 processes cannot be read in one go without holding the loop, so a scan works in slices and
 * lets others run in between; each process's counters are dated by their own reading.
 */
import { opendirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../../runtime/clock.ts';
import { WindrowError } from '../../../runtime/errors.ts';
import { KeptFile } from './kept-file.ts';
import type { ProcessScan } from '../source.ts';
import { parseMeminfo } from './memory.ts';
import { pageBytes } from './page-size.ts';
import { ProcessNamer } from './process-namer.ts';
import { ProcessTable } from './process-table.ts';
import { ProcessTally } from './process-tally.ts';
import { Scan } from './scan.ts';

/** How long a scan holds the loop before it lets others run. */
const sliceMs = 4;
/** Looks between two at the clock; they take a tenth of a millisecond. */
const looksAtOnce = 8;
/** Entries of /proc listed at once: listing 7,000 at once would be a slice of its own. */
const listedAtOnce = 256;

export interface ProcessScannerOptions {
  readonly procRoot: string;
  readonly clock: Clock;
  /** Rows of each list. */
  readonly topCount: number;
}

export class ProcessScanner {
  readonly #options: ProcessScannerOptions;
  readonly #table: ProcessTable;
  readonly #namer: ProcessNamer;
  readonly #meminfo: KeptFile;
  readonly #uptime: KeptFile;
  readonly #pageBytes = pageBytes();
  #running: Promise<ProcessScan> | undefined;
  #closed = false;

  constructor(options: ProcessScannerOptions) {
    const { procRoot, clock } = options;
    const scan = new Scan();
    this.#options = options;
    this.#table = new ProcessTable(clock, procRoot);
    this.#namer = new ProcessNamer(procRoot, this.#table);
    this.#meminfo = new KeptFile(join(procRoot, 'meminfo'), scan);
    this.#uptime = new KeptFile(join(procRoot, 'uptime'), scan);
  }

  /** Descriptors of processes that are open now. */
  get openDescriptors(): number {
    return this.#table.openDescriptors;
  }

  /**
   * Looks at every process once. Two scans never overlap: while one runs, its result is returned,
   * and its signal is the one that counts. Rejects with WindrowError `aborted` when the signal is
   * aborted or the scanner closed, and with what stopped it when /proc itself cannot be read.
   */
  scan(signal: AbortSignal): Promise<ProcessScan> {
    this.#running ??= this.#scan(signal).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Stops a scan that runs; may be called twice. */
  close(): void {
    this.#closed = true;
    this.#table.close();
    this.#meminfo.close();
    this.#uptime.close();
  }

  async #scan(signal: AbortSignal): Promise<ProcessScan> {
    const { clock, procRoot, topCount } = this.#options;
    this.#throwIfStopped(signal);
    const memoryBytes = parseMeminfo(this.#meminfo.read()).total;
    if (memoryBytes === undefined) throw new WindrowError('input', 'no MemTotal in /proc/meminfo');
    const tally = new ProcessTally({ topCount, memoryBytes, pageBytes: this.#pageBytes });
    this.#table.begin(this.#uptimeS());
    const folder = opendirSync(procRoot, { bufferSize: listedAtOnce });
    try {
      let sliceEndsMs = clock.monotonicMs() + sliceMs;
      let looks = 0;
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        const pid = Number(entry.name);
        if (Number.isNaN(pid)) continue;
        tally.add(pid, this.#table.look(pid));
        looks += 1;
        if (looks % looksAtOnce !== 0 || clock.monotonicMs() < sliceEndsMs) continue;
        await setImmediate();
        this.#throwIfStopped(signal);
        sliceEndsMs = clock.monotonicMs() + sliceMs;
      }
    } finally {
      folder.closeSync();
    }
    this.#table.end();
    await this.#namer.name(tally.rows());
    this.#throwIfStopped(signal);
    return tally.result();
  }

  /** NaN when it cannot be read: then a new process waits for its second reading. */
  #uptimeS(): number {
    try {
      return this.#uptime.read().decimal();
    } catch {
      return Number.NaN;
    }
  }

  #throwIfStopped(signal: AbortSignal): void {
    if (!signal.aborted && !this.#closed) return;
    throw new WindrowError('aborted', 'the process scan was stopped', { cause: signal.reason });
  }
}
