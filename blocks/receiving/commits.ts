/**
 * Changes of a database, those of a moment in one transaction: each costs a sync of the disk, and
 * of small files there are many.
 *
 * Invariant: a promise resolves when its change is on the disk; of a transaction that failed
 * nothing was changed, and all who wait for it hear that.
 */
import type { DatabaseSync } from 'node:sqlite';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { inTransaction } from '../../runtime/transaction.ts';

/** Between two commits the loop has at least this long for everything else. */
const pauseMs = 10;

interface Change {
  readonly apply: () => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

export class Commits {
  readonly #db: DatabaseSync;
  #waiting: Change[] = [];
  #timer: NodeJS.Timeout | undefined;
  #committedMs = Number.NEGATIVE_INFINITY;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * What `change` returns, once it is on the disk. It runs later, inside a transaction.
   * @throws WindrowError what the change threw, or `store_unavailable`, retryable
   */
  commit<T>(change: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let result: { readonly value: T } | undefined;
      this.#waiting.push({
        apply: () => {
          result = { value: change() };
        },
        done: () => resolve((result as { readonly value: T }).value),
        failed: reject,
      });
      const waitMs = Math.max(0, this.#committedMs + pauseMs - performance.now());
      this.#timer ??= setTimeout(() => this.flush(), waitMs);
    });
  }

  /** Commits at once what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const changes = this.#waiting;
    this.#waiting = [];
    if (changes.length === 0) return;
    try {
      inTransaction(this.#db, () => {
        for (const { apply } of changes) apply();
      });
      for (const { done } of changes) done();
    } catch (error) {
      for (const { failed } of changes) failed(told(error));
    }
    this.#committedMs = performance.now();
  }
}

function told(error: unknown): unknown {
  if (error instanceof WindrowError) return error;
  return new WindrowError(
    'store_unavailable',
    `cannot note what is received: ${messageOf(error)}`,
    {
      cause: error,
      retryable: true,
    },
  );
}
