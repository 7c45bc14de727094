/**
 * The largest processes by CPU, memory and I/O, from /proc/PID/stat and /proc/PID/io (proc(5)), the
 * rows of the lists named by /proc/PID/cmdline. Each process's counters are dated by their own
 * reading.
 */
import { opendirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../runtime/clock.ts';
import { WindrowError } from '../../../runtime/errors.ts';
import { ProcessTally } from '../process-tally.ts';
import { ScanRunner, type Slices } from '../scan-slices.ts';
import type { ProcessScan } from '../source.ts';
import { KeptFile } from './kept-file.ts';
import { parseMeminfo } from './memory.ts';
import { pageBytes } from './page-size.ts';
import { ProcessNamer } from './process-namer.ts';
import { ProcessTable } from './process-table.ts';
import { Scan } from './scan.ts';

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
  readonly #runner: ScanRunner;

  constructor(options: ProcessScannerOptions) {
    const { procRoot, clock } = options;
    const scan = new Scan();
    this.#options = options;
    this.#runner = new ScanRunner(clock);
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
   * Looks at every process once; as `ScanRunner.run` says, and rejects with what stopped it when
   * /proc itself cannot be read.
   */
  scan(signal: AbortSignal): Promise<ProcessScan> {
    return this.#runner.run(signal, (slices) => this.#scan(slices));
  }

  /** Stops a scan that runs; may be called twice. */
  close(): void {
    this.#runner.close();
    this.#table.close();
    this.#meminfo.close();
    this.#uptime.close();
  }

  async #scan(slices: Slices): Promise<ProcessScan> {
    const { procRoot, topCount } = this.#options;
    const memoryBytes = parseMeminfo(this.#meminfo.read()).total;
    if (memoryBytes === undefined) throw new WindrowError('input', 'no MemTotal in /proc/meminfo');
    const tally = new ProcessTally({ topCount, memoryBytes, pageBytes: this.#pageBytes });
    this.#table.begin(this.#uptimeS());
    const folder = opendirSync(procRoot, { bufferSize: listedAtOnce });
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        const pid = Number(entry.name);
        if (Number.isNaN(pid)) continue;
        tally.add(pid, this.#table.look(pid));
        if (slices.areOver()) await slices.rest();
      }
    } finally {
      folder.closeSync();
    }
    this.#table.end();
    await this.#namer.name(tally.rows());
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
}
