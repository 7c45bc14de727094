/**
 * Writes samples in a thread, ahead of the commit that makes them count. While a log is read up they
 * are most of what a commit writes, and so the loop goes on meanwhile.
 *
 * What is written is in the table at once, and counts from the next commit of the store on, which is
 * the loop's and takes the mark away. When the process ends before, the next start takes out again
 * what lies behind the mark (`dropSamplesAhead`): who sent it was told nothing, and sends it again.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../runtime/worker.ts';
import type { AheadOrder, AheadOutcome } from './ahead-protocol.ts';
import { checkpointRarely, setBusyTimeout } from './database.ts';
import type { SampleRows } from './sample-rows.ts';

/** A thread that needs more is broken: rows come in memory of ours. */
const heapMibMax = 64;
/** What it binds to statements is garbage at once. */
const youngHeapMib = 2;

/**
 * Whoever else writes by the loop's connection meanwhile waits for the thread, as it would for its own
 * commit: ten times what a pass takes on a slow disk.
 */
const busyMsMax = 2_000;

export class SamplesAhead {
  readonly #db: DatabaseSync;
  #worker: Worker | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;

  /** @param db the loop's connection */
  constructor(db: DatabaseSync) {
    this.#db = db;
    checkpointRarely(db);
  }

  /**
   * Resolves when they are in the table. One at a time; the rows stay as they are until then. After a
   * failure the same are given again, with the same number: they are not written twice.
   * @param pass counts from 1 for each commit of the store
   * @throws Error when none of them is known to be written
   */
  async write(rows: SampleRows, pass: number): Promise<void> {
    this.#worker ??= this.#start();
    this.#waiting = Promise.withResolvers();
    setBusyTimeout(this.#db, busyMsMax);
    this.#worker.postMessage({ pass, rows: rows.shared } satisfies AheadOrder);
    try {
      await this.#waiting.promise;
    } finally {
      setBusyTimeout(this.#db);
    }
  }

  /** Ends the thread, which must have nothing to do. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = startWorker(new URL('./samples-ahead-thread.ts', import.meta.url), {
      workerData: this.#db.location(),
      resourceLimits: {
        maxOldGenerationSizeMb: heapMibMax,
        maxYoungGenerationSizeMb: youngHeapMib,
      },
    });
    worker.on('message', ({ failed }: AheadOutcome) => {
      if (failed === undefined) this.#waiting?.resolve();
      else this.#waiting?.reject(new Error(failed));
    });
    let reason = 'the thread that writes samples ended';
    worker.on('error', ({ message }) => (reason = message));
    worker.on('exit', () => {
      this.#worker = undefined;
      this.#waiting?.reject(new Error(reason));
    });
    return worker;
  }
}
