/** Reads through REST, one reading at a time: again after a while, and soon after a failure. */
import { ApiError } from './api.ts';

export const retryMs = 2_000;

export interface LoaderOptions {
  readonly read: (signal: AbortSignal) => Promise<void>;
  /** From the end of one reading to the next. */
  readonly refreshMs: () => number;
  /** Told after each reading, good or bad. */
  readonly changed: () => void;
}

export class Loader {
  /** Why the newest reading failed, for people. */
  problem: string | null = null;
  readonly #options: LoaderOptions;
  #reading: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LoaderOptions) {
    this.#options = options;
  }

  get isReading(): boolean {
    return this.#reading !== undefined;
  }

  /** Reads now; a reading on its way is given up. */
  load(): void {
    this.stop();
    const controller = new AbortController();
    this.#reading = controller;
    void this.#read(controller);
  }

  loadLater(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load(), ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#reading?.abort();
    this.#reading = undefined;
  }

  async #read(controller: AbortController): Promise<void> {
    let problem: string | null = null;
    try {
      await this.#options.read(controller.signal);
    } catch (error) {
      problem = error instanceof ApiError ? error.message : 'The collector cannot be reached.';
    }
    if (controller.signal.aborted) return;
    this.#reading = undefined;
    this.problem = problem;
    this.loadLater(problem === null ? this.#options.refreshMs() : retryMs);
    this.#options.changed();
  }
}
