/**
 * The one writer. What arrives is gathered for a moment and committed together: one sync serves
 * many batches, and nothing is acknowledged before it. While the disk is at work the loop goes on
 * and the next group gathers; it is committed when the sync has ended.
 *
 * Where there is much to read up, samples of the group are written ahead of the commit, in a thread.
 *
 * Invariant: what memory holds as received is either committed or in the waiting group, but for own
 * window results that were read back, in which nothing is new (`cluster/results/pending.ts`); so a group
 * that cannot be committed (full disk, locked file) is kept and tried again, and meanwhile
 * everything new is refused. Of one that was committed and cannot be synced nobody knows what the
 * disk has: nothing is acknowledged any more, and the program is to end.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../runtime/clock.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';
import { CommitWaiters } from './commit-waiters.ts';
import { Group } from './group.ts';
import { GroupStatements, type MadeFleetWindow } from './statements.ts';
import { inTransaction } from '../../runtime/transaction.ts';
import { SampleRows } from './sample-rows.ts';
import type { SamplesAhead } from './samples-ahead.ts';
import type { Wal } from './wal.ts';

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
/** Samples that are worth a thread's turn while more come. */
const aheadRowsMin = 4_096;
/** At the commit, which waits for it: the fewer are left for that. Meanwhile more come, so it is done twice at most. */
const restRowsMin = 1_024;
const restPassesMax = 2;

/** A group that was committed and is not on the disk yet. */
interface Unsynced {
  readonly waiters: CommitWaiters;
  readonly notices: number;
  readonly startedMs: number;
}

export interface WriterOptions {
  readonly db: DatabaseSync;
  /** Absent: each commit is synced as the connection does it. */
  readonly wal?: Pick<Wal, 'unsynced' | 'sync' | 'close'>;
  /** Absent: each commit writes all of its samples. */
  readonly ahead?: Pick<SamplesAhead, 'write' | 'close'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called before each commit, to add checkpoints of what changed since the last one. */
  readonly beforeCommit: (group: Group) => void;
  /**
   * Called in each commit with the fleet windows that it makes: what it adds of alerts is committed
   * with them. After a commit that failed it is called again for the same windows. Must not throw.
   */
  readonly inCommit: (group: Group, fleet: readonly MadeFleetWindow[]) => void;
  /** Called after each commit: what others are told of it waits for `synced()`. */
  readonly onCommit: () => void;
  /** Called when it is on the disk, with how long that took and how many notices it queued. */
  readonly onSynced?: (tookMs: number, notices: number) => void;
  /** The disk does not confirm a commit: the program is to end without closing the database. */
  readonly onLost?: (error: WindrowError) => void;
}

export class StoreWriter {
  readonly #options: WriterOptions;
  readonly #statements: GroupStatements;
  #group = new Group();
  readonly #waiters = new CommitWaiters();
  /** They wait for room in the group alone. */
  readonly #roomWaiters = new CommitWaiters();
  #unsynced: Unsynced | undefined;
  #syncing: Promise<void> = Promise.resolve();
  /** Of the group: the thread is to write them, or has failed to. */
  #handedOver: SampleRows | undefined;
  #isWritingAhead = false;
  /** Of the commit that is due. */
  #restPasses = 0;
  /** Of samples that have been written ahead: for the next ones. */
  #spare = new SampleRows();
  /** When the sync that began last has ended, either way. */
  #syncEnded: Promise<void> = Promise.resolve();
  /** The same of samples that were handed over. */
  #aheadEnded: Promise<void> = Promise.resolve();
  /** The next commit waits for the sync of the last one, or for the thread. */
  #isDue = false;
  #isLost = false;
  #timer: NodeJS.Timeout | undefined;
  /** When it goes off, monotonic. */
  #dueMs = 0;
  #failure: WindrowError | undefined;
  #failingSinceMs: number | undefined;
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

  /** Samples of the group that are to be written ahead of its commit, and are in no table yet. */
  get handedOver(): SampleRows | undefined {
    return this.#handedOver;
  }

  /** All that came is on the disk. */
  get isStored(): boolean {
    return this.#group.rows === 0 && this.#unsynced === undefined;
  }

  /** Why nothing can be stored now; undefined when all is well. */
  get failure(): WindrowError | undefined {
    return this.#failure;
  }

  /** Since when nothing could be stored, monotonic; undefined when all is well. */
  get failingSinceMs(): number | undefined {
    return this.#failingSinceMs;
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
    this.schedule(withinMs);
    return this.#waiters.wait();
  }

  /** Resolves when the group has been committed, or there is room in it for more. @throws WindrowError `store_unavailable` */
  room(): Promise<void> {
    this.schedule(0);
    return this.#roomWaiters.wait();
  }

  /**
   * Resolves when all that has been committed is on the disk, and never when the disk does not
   * confirm it; undefined when it is there.
   */
  synced(): Promise<void> | undefined {
    return this.#unsynced === undefined ? undefined : this.#syncing;
  }

  /** Commits what was read from a log, in a while. */
  scheduleRead(): void {
    const isMuch = this.#group.samples.length >= aheadRowsMin;
    if (isMuch && this.#failure === undefined) this.#writeAhead();
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
    this.#timer = setTimeout(() => this.#due(), waitMs);
  }

  /**
   * Puts what waits on the disk, without waiting for company; for the end of the program. Resolves
   * when no sync is under way any longer.
   */
  async close(): Promise<void> {
    // Not another sync beside it: Linux tells of a failure once, and the other might be told that all is well.
    while (this.#isBusy) await Promise.all([this.#syncEnded, this.#aheadEnded]);
    // What the thread failed to write it need not wait for once more: nothing of it was acknowledged.
    const isGivenUp = this.#isLost || this.#handedOver !== undefined;
    if (this.#group.rows > 0 && !isGivenUp) this.#due();
    while (this.#isBusy) await Promise.all([this.#syncEnded, this.#aheadEnded]);
    clearTimeout(this.#timer);
    this.#rejectAll(
      new WindrowError('store_unavailable', 'the collector stops', { retryable: true }),
    );
    await this.#options.ahead?.close();
    await this.#options.wal?.close();
  }

  get #isBusy(): boolean {
    return this.#isWritingAhead || (this.#unsynced !== undefined && !this.#isLost);
  }

  #due(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#handedOver !== undefined || this.#isRestWorthIt()) this.#writeAhead();
    if (this.#isWritingAhead || this.#unsynced !== undefined) {
      this.#isDue = true;
      return;
    }
    const { wal } = this.#options;
    const unsynced = this.#commit((work) => (wal === undefined ? work() : wal.unsynced(work)));
    if (unsynced === undefined) return;
    if (wal === undefined) return this.#storedAtOnce(unsynced);
    // Whoever is told of the commit must find that it is not on the disk yet.
    this.#sync(unsynced, wal);
    this.#options.onCommit();
  }

  #isRestWorthIt(): boolean {
    if (this.#unsynced !== undefined || this.#restPasses >= restPassesMax) return false;
    if (this.#group.samples.length < restRowsMin) return false;
    this.#restPasses += 1;
    return true;
  }

  /** Gives the thread the group's samples, or once more those that it failed to write. */
  #writeAhead(): void {
    const { ahead } = this.#options;
    const group = this.#group;
    if (ahead === undefined || this.#isWritingAhead || this.#isLost) return;
    if (this.#handedOver === undefined) {
      this.#handedOver = group.exchangeSamples(this.#spare);
      group.passes += 1;
      this.#roomWaiters.resolve();
    }
    const rows = this.#handedOver;
    this.#isWritingAhead = true;
    this.#aheadEnded = ahead.write(rows, group.passes).then(
      () => {
        this.#isWritingAhead = false;
        this.#handedOver = undefined;
        rows.clear();
        this.#spare = rows;
        this.#dueAgain();
      },
      (error: unknown) => {
        this.#isWritingAhead = false;
        this.#fail(error);
      },
    );
  }

  #dueAgain(): void {
    if (!this.#isDue) return;
    this.#isDue = false;
    this.#due();
  }

  #sync(unsynced: Unsynced, wal: Pick<Wal, 'sync'>): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#unsynced = unsynced;
    this.#syncing = promise;
    this.#syncEnded = wal.sync().then(
      () => {
        this.#stored(unsynced);
        resolve();
      },
      (error: unknown) => this.#lose(unsynced, error),
    );
  }

  /** @returns what was committed; undefined where that failed */
  #commit(write: (work: () => void) => void): Unsynced | undefined {
    const startedMs = this.#options.clock.monotonicMs();
    try {
      write(() => this.#writeGroup());
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
    const { samples, notices } = this.#group;
    samples.clear();
    this.#group = new Group(samples);
    if (this.#failure !== undefined) this.#options.log.info('the store works again');
    this.#failure = undefined;
    this.#failingSinceMs = undefined;
    this.#restPasses = 0;
    this.#roomWaiters.resolve();
    return { waiters: this.#waiters.take(), notices: notices.length, startedMs };
  }

  #storedAtOnce(commit: Unsynced): void {
    this.#options.onCommit();
    this.#stored(commit);
  }

  #stored({ waiters, notices, startedMs }: Unsynced): void {
    this.#unsynced = undefined;
    this.#tookMs = this.#options.clock.monotonicMs() - startedMs;
    this.#options.onSynced?.(this.#tookMs, notices);
    waiters.resolve();
    this.#dueAgain();
  }

  #lose({ waiters }: Unsynced, error: unknown): void {
    this.#isLost = true;
    const message = `the disk does not confirm what was stored: ${messageOf(error)}`;
    const hint =
      'Nothing of it was acknowledged. Look after the disk, and start the collector again.';
    const failure = new WindrowError('store_unavailable', message, {
      cause: error,
      hint,
      retryable: true,
    });
    this.#failure = failure;
    waiters.reject(failure);
    this.#rejectAll(failure);
    this.#options.onLost?.(failure);
  }

  #rejectAll(failure: unknown): void {
    this.#waiters.reject(failure);
    this.#roomWaiters.reject(failure);
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
    this.#failingSinceMs ??= this.#options.clock.monotonicMs();
    this.#rejectAll(failure);
    this.schedule();
  }
}
