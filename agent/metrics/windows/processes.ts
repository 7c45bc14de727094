/**
 * The largest processes by CPU, memory and I/O: Toolhelp lists them, and each is asked for its own
 * counters, dated by their own reading. I/O is all that a process reads and writes, network and
 * devices too: Windows keeps no count of the disk alone.
 */
import type { WindowsCounters } from '../../../native/windows/addon.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { ProcessTally } from '../process-tally.ts';
import { ScanRunner, type Slices } from '../scan-slices.ts';
import type { ProcessReader, ProcessScan } from '../source.ts';
import { pageBytes } from './page-bytes.ts';
import { ProcessTable } from './process-table.ts';

/** "System Idle Process" is the time that no process used. */
const idlePid = 0;

export interface ProcessScannerOptions {
  readonly counters: Pick<WindowsCounters, 'processes' | 'processCounters'>;
  readonly clock: Clock;
  /** Rows of each list. */
  readonly topCount: number;
  readonly memoryBytes: () => number;
}

export class ProcessScanner implements ProcessReader {
  readonly #options: ProcessScannerOptions;
  readonly #runner: ScanRunner;
  readonly #table: ProcessTable;

  constructor(options: ProcessScannerOptions) {
    const { counters, clock } = options;
    this.#options = options;
    this.#runner = new ScanRunner(clock);
    this.#table = new ProcessTable((pid) => counters.processCounters(pid), clock);
  }

  scan(signal: AbortSignal): Promise<ProcessScan> {
    return this.#runner.run(signal, (slices) => this.#scan(slices));
  }

  close(): void {
    this.#runner.close();
  }

  async #scan(slices: Slices): Promise<ProcessScan> {
    const { counters, topCount, memoryBytes } = this.#options;
    const tally = new ProcessTally({ topCount, memoryBytes: memoryBytes(), pageBytes });
    this.#table.begin();
    for (const { pid, name } of counters.processes()) {
      if (pid === idlePid) continue;
      tally.add(pid, this.#table.look(pid, name));
      if (slices.areOver()) await slices.rest();
    }
    this.#table.end();
    return tally.result();
  }
}
