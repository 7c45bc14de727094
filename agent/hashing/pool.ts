/**
 * Threads that hash files. Each file goes to a lane as one becomes free, in the order asked for;
 * one that was asked for waits, is on exactly one lane, or has its outcome.
 */
import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../runtime/worker.ts';
import type { EngineName } from '../../native/sha256/engine.ts';
import { ENGINES } from '../../native/sha256/engines.ts';
import type { Outcome } from './outcome.ts';
import type { Answer, Request } from './worker.ts';

interface Asked {
  readonly path: string | Buffer;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  /** By the id of their requests; never more than the engine has lanes. */
  readonly onLanes: Map<number, Asked>;
}

export interface PoolOptions {
  readonly engine: EngineName;
  readonly threads: number;
}

export class HashPool implements AsyncDisposable {
  readonly #threads: readonly Thread[];
  readonly #lanes: number;
  readonly #waiting: Asked[] = [];
  #lastId = 0;

  constructor({ engine, threads }: PoolOptions) {
    this.#lanes = ENGINES[engine].lanes;
    this.#threads = Array.from({ length: threads }, () => this.#start(engine));
  }

  /** A regular file. Rejects only when a thread fails; what is wrong with a file is an outcome. */
  hash(path: string | Buffer): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ path, resolve, reject });
      this.#fill();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #start(engine: EngineName): Thread {
    const worker = startWorker(new URL('./worker.ts', import.meta.url), { workerData: engine });
    const thread: Thread = { worker, onLanes: new Map() };
    worker.on('message', ({ id, outcome }: Answer) => {
      thread.onLanes.get(id)?.resolve(outcome);
      thread.onLanes.delete(id);
      this.#fill();
    });
    worker.on('error', (error) => {
      for (const { reject } of [...thread.onLanes.values(), ...this.#waiting.splice(0)])
        reject(error);
    });
    return thread;
  }

  /** The emptiest thread first: files side by side on two of them are hashed by two cores. */
  #fill(): void {
    for (;;) {
      const thread = this.#threads.reduce((best, other) =>
        other.onLanes.size < best.onLanes.size ? other : best,
      );
      if (thread.onLanes.size >= this.#lanes) return;
      const asked = this.#waiting.shift();
      if (asked === undefined) return;
      this.#lastId += 1;
      thread.onLanes.set(this.#lastId, asked);
      const request: Request = { id: this.#lastId, path: asked.path };
      thread.worker.postMessage(request);
    }
  }
}
