/**
 * The durable side of delivery, in the collector's database. A notice is in exactly one place: it
 * waits in the queue, is on its way (`outgoing`), or is done and in the delivery log.
 *
 * What goes out is written down before the first attempt, so a repeat after a crash is the same
 * notification with the same key.
 */
import { createHash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { DurableQueue } from '../../runtime/queue/queue.ts';
import { inTransaction } from '../store/transaction.ts';
import type { AlertNotice } from './alert.ts';
import type { Outcome } from './deliveries.ts';
import type { Notification } from './notifiers/port.ts';
import type { Grouping, Told, Waiting } from './stages/grouping.ts';

/** Notices that may wait for one notifier, ends of what it was told apart; beyond it the oldest go. */
export const waitingMax = 10_000;
/** Rows of the delivery log; the oldest go first. */
const deliveriesMax = 10_000;
/** Items looked at for one notification. */
const pageItems = 500;

export interface Settled {
  readonly outcome: Outcome;
  readonly attempts: number;
  readonly error: string | null;
  readonly atMs: number;
}

export class DeliveryStore {
  readonly #db: DatabaseSync;
  readonly #queue: DurableQueue;
  readonly #outgoing: StatementSync;
  readonly #putOutgoing: StatementSync;
  readonly #dropOutgoing: StatementSync;
  readonly #told: StatementSync;
  readonly #toldAll: StatementSync;
  readonly #toldIds: StatementSync;
  readonly #putTold: StatementSync;
  readonly #dropTold: StatementSync;
  readonly #log: StatementSync;
  readonly #trimLog: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#queue = new DurableQueue(db);
    this.#outgoing = db.prepare('SELECT key, notices FROM outgoing WHERE notifier = ?');
    this.#putOutgoing = db.prepare('INSERT INTO outgoing VALUES (?,?,?)');
    this.#dropOutgoing = db.prepare('DELETE FROM outgoing WHERE notifier = ?');
    this.#told = db.prepare('SELECT notice, held FROM told WHERE notifier = ? AND alert_id = ?');
    this.#toldAll = db.prepare(
      'SELECT notice FROM told WHERE notifier = ? AND held = ? ORDER BY alert_id',
    );
    this.#toldIds = db.prepare('SELECT alert_id FROM told WHERE notifier = ? AND held = 0');
    this.#putTold = db.prepare('INSERT OR REPLACE INTO told VALUES (?,?,?,?)');
    this.#dropTold = db.prepare('DELETE FROM told WHERE notifier = ? AND alert_id = ?');
    this.#log = db.prepare('INSERT INTO deliveries VALUES (NULL,?,?,?,?,?,?,?)');
    this.#trimLog = db.prepare(
      'DELETE FROM deliveries WHERE id <= (SELECT max(id) FROM deliveries) - ?',
    );
  }

  /** The oldest that wait for this notifier, in order, and the ids of those that damage has spoilt. */
  waiting(
    notifier: string,
    countMax = pageItems,
  ): { readonly waiting: Waiting[]; readonly spoilt: readonly number[] } {
    const { items, spoilt } = this.#queue.oldestOf(notifier, countMax);
    const waiting = items.map(({ id, body }) => ({ id, notice: JSON.parse(body) as AlertNotice }));
    return { waiting, spoilt };
  }

  /** Nobody can tell any more what they said. */
  dropSpoilt(ids: readonly number[]): void {
    inTransaction(this.#db, () => this.#queue.drop(ids));
  }

  /** The file that all of it is in. */
  get path(): string {
    return this.#db.location() ?? '';
  }

  /** How many notices wait for this notifier or are on their way to it. */
  count(notifier: string): number {
    return this.#queue.count(notifier) + (this.outgoing(notifier)?.notices.length ?? 0);
  }

  /** What is on its way. */
  outgoing(notifier: string): Notification | undefined {
    const row = this.#outgoing.get(notifier);
    if (row === undefined) return undefined;
    const notices = JSON.parse(String(row['notices'])) as AlertNotice[];
    return { key: String(row['key']), notices };
  }

  told(notifier: string, alertId: string): Told | undefined {
    const row = this.#told.get(notifier, alertId);
    if (row === undefined) return undefined;
    return { notice: JSON.parse(String(row['notice'])) as AlertNotice, held: row['held'] === 1 };
  }

  /** Alerts that the receiver knows as firing, or those that a silence keeps from it. */
  allTold(notifier: string, { held }: { readonly held: boolean }): AlertNotice[] {
    return this.#toldAll
      .all(notifier, held ? 1 : 0)
      .map((row) => JSON.parse(String(row['notice'])) as AlertNotice);
  }

  /** Takes a group out of the queue: a part of it is on its way from now on, the other is done. */
  take(notifier: string, { sent, settled }: Grouping, atMs: number): void {
    inTransaction(this.#db, () => {
      const notices = sent.map(({ notice }) => notice);
      if (notices.length > 0) {
        this.#putOutgoing.run(notifier, keyOf(notices), JSON.stringify(notices));
      }
      for (const { item, outcome } of settled) {
        this.#settle(notifier, item.notice, { outcome, attempts: 0, error: null, atMs });
      }
      this.#queue.remove([...sent, ...settled.map(({ item }) => item)].map(({ id }) => id));
      this.#trimLog.run(deliveriesMax);
    });
  }

  /** What was on its way is done. */
  finish(notifier: string, { notices }: Notification, settled: Settled): void {
    inTransaction(this.#db, () => {
      for (const notice of notices) this.#settle(notifier, notice, settled);
      this.#dropOutgoing.run(notifier);
      this.#trimLog.run(deliveriesMax);
    });
  }

  /** Puts what a silence kept back into the queue again, as news of this moment. */
  release(notifier: string, notices: readonly AlertNotice[], atMs: number): void {
    inTransaction(this.#db, () => {
      for (const notice of notices) {
        this.#dropTold.run(notifier, notice.id);
        const body = JSON.stringify({ ...notice, enqueuedMs: atMs } satisfies AlertNotice);
        this.#queue.add({ lane: notifier, no: null, atMs, body });
      }
    });
  }

  /**
   * Holds the bound of the lane. The end of what the receiver knows to fire, or is about to know,
   * stays: without it that would fire there for ever. @returns how many were dropped
   */
  trim(notifier: string, atMs: number): number {
    const excess = Math.min(this.#queue.count(notifier) - waitingMax, pageItems);
    if (excess <= 0) return 0;
    const known = this.#knownToFire(notifier);
    // Each of these has one end at most.
    const oldest = this.waiting(notifier, excess + known.size)
      .waiting.filter(({ notice: { id, status } }) => status === 'firing' || !known.has(id))
      .slice(0, excess);
    inTransaction(this.#db, () => {
      for (const { notice } of oldest) {
        this.#settle(notifier, notice, { outcome: 'dropped', attempts: 0, error: null, atMs });
      }
      this.#queue.drop(oldest.map(({ id }) => id));
      this.#trimLog.run(deliveriesMax);
    });
    return oldest.length;
  }

  /** Forgets what belongs to notifiers that are no more. @returns how many notices that were */
  forgetOthers(notifiers: readonly string[]): number {
    const lanes = this.#queue.lanes().filter(({ lane }) => !notifiers.includes(lane));
    const names = JSON.stringify(notifiers);
    return inTransaction(this.#db, () => {
      for (const table of ['outgoing', 'told']) {
        this.#db
          .prepare(`DELETE FROM ${table} WHERE notifier NOT IN (SELECT value FROM json_each(?))`)
          .run(names);
      }
      let forgotten = 0;
      for (const { lane, items } of lanes) forgotten += this.#queue.dropOldest(items, { lane });
      return forgotten;
    });
  }

  /** Alerts that the receiver was told of, and those that are on their way to it. */
  #knownToFire(notifier: string): ReadonlySet<string> {
    const told = this.#toldIds.all(notifier).map((row) => String(row['alert_id']));
    const outgoing = this.outgoing(notifier)?.notices ?? [];
    return new Set([...told, ...outgoing.map(({ id }) => id)]);
  }

  #settle(notifier: string, notice: AlertNotice, settled: Settled): void {
    const { outcome, attempts, error, atMs } = settled;
    const { id, status } = notice;
    const knows = outcome === 'sent' || outcome === 'silenced';
    if (status === 'firing' && knows) {
      this.#putTold.run(notifier, id, outcome === 'silenced' ? 1 : 0, JSON.stringify(notice));
    } else if (status === 'resolved') {
      this.#dropTold.run(notifier, id);
    }
    this.#log.run(atMs, notifier, id, status, outcome, attempts, error);
  }
}

/** By what is told, not by when: a repeat has the same. */
function keyOf(notices: readonly AlertNotice[]): string {
  const told = notices.map(({ id, status }) => `${id}|${status}`).sort();
  return createHash('sha256').update(told.join('\n')).digest('hex').slice(0, 32);
}
