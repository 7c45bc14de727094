/**
 * The one writer. What arrives is gathered for a moment and committed together: one fsync serves
 * many batches, and nothing is acknowledged before it.
 *
 * Invariant: what memory holds as received is either committed or in the waiting group; so a group
 * that cannot be committed (full disk, locked file) is kept and tried again, and meanwhile
 * everything new is refused.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../runtime/clock.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';
import { Group } from './group.ts';
import { GroupStatements, type MadeFleetWindow } from './statements.ts';
import { inTransaction } from '../../runtime/transaction.ts';

/** How long the first arrival waits for company. */
const gatherMs = 20;
/**
 * What is read from a log waits longer: no sender waits for it, and a commit costs by the pages that
 * it touches, which many rows share. Where commits take long, because there is much to catch up
 * with or the disk is slow, it waits for so many times as long as the last one took.
 */
const logGatherMs = 100;
const logGatherMsMax = 500;
const gatherPerCommit = 4;
/** A group that could not be committed is tried again after this. */
const retryMs = 1_000;
/** Rows that may wait for one commit; more is refused until it is done. */
const waitingRowsMax = 200_000;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface WriterOptions {
  readonly db: DatabaseSync;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called before each commit, to add checkpoints of what changed since the last one. */
  readonly beforeCommit: (group: Group) => void;
  /**
   * Called in each commit with the fleet windows that it makes: what it adds of alerts is committed
   * with them. After a commit that failed it is called again for the same windows. Must not throw.
   */
  readonly inCommit: (group: Group, fleet: readonly MadeFleetWindow[]) => void;
  /** Called after each commit, with how many notices it queued. */
  readonly onCommit: (tookMs: number, notices: number) => void;
}

export class StoreWriter {
  readonly #options: WriterOptions;
  readonly #statements: GroupStatements;
  #group = new Group();
  #waiters: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** When it goes off, monotonic. */
  #dueMs = 0;
  #failure: WindrowError | undefined;
  /** The last commit. */
  #tookMs = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#statements = new GroupStatements(options.db);
  }

  /** What waits for the next commit; add to it, then await `committed()`. */
  get group(): Group {
    return this.#group;
  }

  /** Why nothing can be stored now; undefined when all is well. */
  get failure(): WindrowError | undefined {
    return this.#failure;
  }

  /** @throws WindrowError when nothing more can be taken now. */
  assertReady(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#group.rows >= waitingRowsMax) {
      throw new WindrowError('overloaded', 'too much waits to be stored', { retryable: true });
    }
  }

  /** Resolves when everything now in the group is on disk. @throws WindrowError `store_unavailable` */
  committed(withinMs = gatherMs): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ resolve, reject });
    this.schedule(withinMs);
    return promise;
  }

  /** Commits what was read from a log, in a while. */
  scheduleRead(): void {
    const gatherForMs = Math.max(logGatherMs, gatherPerCommit * this.#tookMs);
    this.schedule(Math.min(logGatherMsMax, gatherForMs));
  }

  /** Commits soon, with nobody waiting. @param withinMs unless something else is in more of a hurry */
  schedule(withinMs = gatherMs): void {
    const nowMs = this.#options.clock.monotonicMs();
    const waitMs = this.#failure === undefined ? withinMs : retryMs;
    if (this.#timer !== undefined && nowMs + waitMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = nowMs + waitMs;
    this.#timer = setTimeout(() => this.#commit(), waitMs);
  }

  /** Commits what waits, now; for the end of the program. */
  close(): void {
    if (this.#group.rows > 0) this.#commit();
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiters) {
      reject(new WindrowError('store_unavailable', 'the collector stops', { retryable: true }));
    }
  }

  #commit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiters = this.#waiters;
    this.#waiters = [];
    const startedMs = this.#options.clock.monotonicMs();
    try {
      this.#writeGroup();
    } catch (error) {
      this.#fail(error);
      for (const { reject } of waiters) reject(this.#failure);
      return;
    }
    const notices = this.#group.notices.length;
    const { samples } = this.#group;
    samples.clear();
    this.#group = new Group(samples);
    if (this.#failure !== undefined) this.#options.log.info('the store works again');
    this.#failure = undefined;
    this.#tookMs = this.#options.clock.monotonicMs() - startedMs;
    this.#options.onCommit(this.#tookMs, notices);
    for (const { resolve } of waiters) resolve();
  }

  #writeGroup(): void {
    const { db, clock, beforeCommit, inCommit } = this.#options;
    const group = this.#group;
    beforeCommit(group);
    inTransaction(db, () =>
      this.#statements.write(group, clock.wallMs(), (fleet) => inCommit(group, fleet)),
    );
  }

  #fail(error: unknown): void {
    const failure = new WindrowError('store_unavailable', `cannot store: ${messageOf(error)}`, {
      cause: error,
      retryable: true,
    });
    if (this.#failure?.message !== failure.message) {
      this.#options.log.error(
        { error: messageOf(error) },
        'cannot store; nothing is acknowledged until it works again',
      );
    }
    this.#failure = failure;
    this.schedule();
  }
}
