/** Wakes one loop that waits for something to do. A ring while nobody waits is remembered. */
export class Doorbell {
  #rung = false;
  #answer: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#answer?.();
  }

  /** Resolves at the next ring, at once when it rang meanwhile, or when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) await this.#nextRing(signal);
    this.#rung = false;
  }

  #nextRing(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#answer = undefined;
        resolve();
      };
      this.#answer = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
