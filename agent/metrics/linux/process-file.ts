/** One file of one process, `/proc/PID/stat` say, its descriptor kept if it may. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Scan } from './scan.ts';

/**
 * Descriptors of processes that may be open at once. A read through a kept one costs a third of
 * open, read, close. 512 are half of the smallest usual limit (1,024), so that sockets and the
 * outbox find theirs; the files of further processes are opened each time.
 */
export const keptDescriptorsMax = 512;

/** Descriptors that are open for all files that share it. */
export interface DescriptorBudget {
  open: number;
}

export class ProcessFile {
  readonly #path: string;
  readonly #budget: DescriptorBudget;
  #descriptor: number | undefined;

  constructor(path: string, budget: DescriptorBudget) {
    this.#path = path;
    this.#budget = budget;
  }

  /** Whether its descriptor is open, or would stay so after the next read. */
  get mayBeKept(): boolean {
    return this.#descriptor !== undefined || this.#budget.open < keptDescriptorsMax;
  }

  /**
   * Reads the file from its start into `scan`, and keeps a descriptor opened for that if it may.
   * One read is enough: the file is far smaller than the buffer and the kernel makes it in one
   * piece. Throws the system's error; ESRCH through a kept descriptor says that its process ended,
   * even if another has its pid by now.
   */
  read(scan: Scan, { keep }: { keep: boolean }): void {
    const descriptor = this.#descriptor ?? openSync(this.#path, 'r');
    try {
      scan.begin(readSync(descriptor, scan.bytes, 0, scan.bytes.length, 0));
    } catch (error) {
      this.#release(descriptor);
      throw error;
    }
    if (this.#descriptor !== undefined) return;
    if (keep && this.mayBeKept) {
      this.#budget.open += 1;
      this.#descriptor = descriptor;
    } else {
      closeSync(descriptor);
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) this.#release(this.#descriptor);
  }

  #release(descriptor: number): void {
    if (this.#descriptor !== undefined) this.#budget.open -= 1;
    this.#descriptor = undefined;
    closeSync(descriptor);
  }
}
