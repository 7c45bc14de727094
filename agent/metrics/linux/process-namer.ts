/**
 * Names the processes of the top lists by their command lines, each of which is read once.
 *
 * The kernel lets a reader of /proc/PID/cmdline wait for the lock of that process's memory, which
 * one that hangs on a dead disk or share may hold for hours (`ps` hangs then). So it is read in
 * the thread pool, one at a time, and a scan waits only so long; until then a process has the name
 * of its stat.
 */
import { open } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { ProcessRow } from '../../../wire/records/sample.ts';
import { processName } from './process-name.ts';
import type { ProcessTable } from './process-table.ts';

/** Of a command line: what names a process stands in front. */
const cmdlineBytesMax = 4096;
/** Some 30 reads take 5 ms; this is for a busy thread pool. */
const waitMsMax = 250;
/** The largest lists have 150 rows; this many remember those that come and go. */
export const namesMax = 1024;

const nothing = Buffer.alloc(0);

interface Named {
  readonly startTicks: number;
  readonly comm: string;
  readonly name: string;
}

/** Who a row is about: the pid alone may be another's when the answer comes. */
interface Subject {
  readonly pid: number;
  readonly startTicks: number;
  readonly comm: string;
}

export class ProcessNamer {
  readonly #procRoot: string;
  readonly #table: Pick<ProcessTable, 'startTicksOf' | 'commOf'>;
  readonly #buffer = Buffer.alloc(cmdlineBytesMax);
  /** By pid, the longest unused first. */
  readonly #named = new Map<number, Named>();
  #reading: Promise<void> | undefined;

  constructor(procRoot: string, table: Pick<ProcessTable, 'startTicksOf' | 'commOf'>) {
    this.#procRoot = procRoot;
    this.#table = table;
  }

  /** Replaces the `comm` in the rows by names. Never rejects. */
  async name(rows: Iterable<ProcessRow>): Promise<void> {
    const subjects = new Map<ProcessRow, Subject>();
    for (const row of rows) {
      const startTicks = this.#table.startTicksOf(row.pid) ?? Number.NaN;
      subjects.set(row, { pid: row.pid, startTicks, comm: row.name });
    }
    const unknown = [...subjects.values()].filter((subject) => !this.#find(subject));
    if (unknown.length > 0) await this.#readInTime(unknown);
    // Only now: a read that comes too late must not change rows that are already given away.
    for (const [row, subject] of subjects) {
      row.name = this.#find(subject)?.name ?? processName(subject.comm, nothing);
    }
  }

  #find({ pid, startTicks, comm }: Subject): Named | undefined {
    const named = this.#named.get(pid);
    if (named?.startTicks !== startTicks || named.comm !== comm) return undefined;
    this.#keep(pid, named);
    return named;
  }

  #keep(pid: number, named: Named): void {
    this.#named.delete(pid);
    this.#named.set(pid, named);
    if (this.#named.size <= namesMax) return;
    for (const [oldest] of this.#named) {
      this.#named.delete(oldest);
      return;
    }
  }

  /** While an earlier read hangs nothing is read: each would take one of the pool's few threads. */
  async #readInTime(subjects: readonly Subject[]): Promise<void> {
    if (this.#reading !== undefined) return;
    this.#reading = this.#readAll(subjects).finally(() => {
      this.#reading = undefined;
    });
    const done = new AbortController();
    await Promise.race([
      this.#reading,
      setTimeout(waitMsMax, undefined, { signal: done.signal, ref: false }),
    ]);
    done.abort();
  }

  async #readAll(subjects: readonly Subject[]): Promise<void> {
    for (const { pid, startTicks, comm } of subjects) {
      try {
        const cmdline = await this.#read(pid);
        // Still the same process, and no exec in between: else these are another's arguments.
        if (this.#table.commOf(pid, startTicks) !== comm) continue;
        this.#keep(pid, { startTicks, comm, name: processName(comm, cmdline) });
      } catch {
        // It ended or may not be looked at: the row keeps its comm, and the next scan asks again.
      }
    }
  }

  async #read(pid: number): Promise<Uint8Array> {
    const file = await open(`${this.#procRoot}/${pid}/cmdline`, 'r');
    try {
      const { bytesRead } = await file.read(this.#buffer, 0, cmdlineBytesMax, 0);
      return this.#buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }
}
