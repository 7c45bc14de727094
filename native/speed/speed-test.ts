/** How fast this machine hashes and compresses, on any number of threads at once. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../runtime/worker.ts';
import type { Speed, Trial } from './trial.ts';

export class SpeedTest implements AsyncDisposable {
  readonly #workers: readonly Worker[];

  /** @param threads as many as a trial may ask for */
  constructor(threads: number) {
    this.#workers = Array.from({ length: threads }, () =>
      startWorker(new URL('./worker.ts', import.meta.url)),
    );
  }

  /** What `threads` come to together that all do this at the same time. */
  async measure(trial: Trial, threads: number): Promise<Speed> {
    const speeds = await Promise.all(
      this.#workers.slice(0, threads).map(async (worker) => {
        const answer = once(worker, 'message') as Promise<[Speed]>;
        worker.postMessage(trial);
        return (await answer)[0];
      }),
    );
    return speeds.reduce((sum, { mbps, cpuMbps }) => ({
      mbps: sum.mbps + mbps,
      cpuMbps: sum.cpuMbps + cpuMbps,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
