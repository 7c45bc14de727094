/** Who waits until something is so; whoever may have made it so calls `look`. */
import { WindrowError } from '../../runtime/errors.ts';

interface Waiter {
  readonly isDue: () => boolean;
  readonly resolve: () => void;
}

export class Waiters {
  #waiting: readonly Waiter[] = [];

  /** @throws WindrowError `aborted` */
  until(isDue: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (isDue()) return resolve();
      const waiter: Waiter = {
        isDue,
        resolve: () => {
          signal.removeEventListener('abort', give);
          resolve();
        },
      };
      const give = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        reject(new WindrowError('aborted', 'waiting was aborted'));
      };
      if (signal.aborted) return give();
      signal.addEventListener('abort', give, { once: true });
      this.#waiting = [...this.#waiting, waiter];
    });
  }

  look(): void {
    const due = this.#waiting.filter(({ isDue }) => isDue());
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => !due.includes(waiter));
    for (const { resolve } of due) resolve();
  }
}
