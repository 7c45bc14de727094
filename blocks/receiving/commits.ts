/**
 * Changes of a database, those of a moment in one transaction: each costs a sync of the disk, and
 * of small files there are many.
 *
 * Invariant: a promise resolves when its change is on the disk; of a transaction that failed
 * nothing was changed, and all who wait for it hear that. A change that fails for its own sake
 * is undone alone: who sends what is refused is not to reach who sends something else.
 */
import type { DatabaseSync } from 'node:sqlite';
import { messageOf, systemCodeOf, WindrowError } from '../../runtime/errors.ts';
import { inTransaction } from '../../runtime/transaction.ts';

/** Between two commits the loop has at least this long for everything else. */
const pauseMs = 10;

interface Change {
  /** @returns what tells who waits for it, once all is on the disk */
  readonly apply: () => () => void;
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
   * @throws WindrowError that the change threw, or `store_unavailable`, retryable
   */
  commit<T>(change: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const apply = (): (() => void) => {
        const outcome = this.#alone(change);
        return () => ('value' in outcome ? resolve(outcome.value) : reject(outcome.refused));
      };
      this.#waiting.push({ apply, failed: reject });
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
      const done = inTransaction(this.#db, () => changes.map(({ apply }) => apply()));
      for (const tell of done) tell();
    } catch (error) {
      for (const { failed } of changes) failed(told(error));
    }
    this.#committedMs = performance.now();
  }

  /** @throws what SQLite says, which goes for all that is committed with it */
  #alone<T>(change: () => T): { readonly value: T } | { readonly refused: WindrowError } {
    this.#db.exec('SAVEPOINT change');
    try {
      const value = change();
      this.#db.exec('RELEASE change');
      return { value };
    } catch (error) {
      if (systemCodeOf(error) === 'ERR_SQLITE_ERROR') throw error;
      this.#db.exec('ROLLBACK TO change; RELEASE change');
      return { refused: error instanceof WindrowError ? error : told(error) };
    }
  }
}

function told(error: unknown): WindrowError {
  return new WindrowError(
    'store_unavailable',
    `cannot note what is received: ${messageOf(error)}`,
    {
      cause: error,
      retryable: true,
    },
  );
}
