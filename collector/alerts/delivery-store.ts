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
import { inTransaction } from '../../runtime/transaction.ts';
import { type AlertNotice, noticeMark } from './alert.ts';
import { type DeliveryGate, openGate } from './delivery-gate.ts';
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

/** What is on its way: a group, or one notice of a group that was refused. */
export interface Outgoing extends Notification {
  readonly alone: boolean;
}

export class DeliveryStore {
  readonly #db: DatabaseSync;
  readonly #gate: DeliveryGate;
  readonly #queue: DurableQueue;
  readonly #outgoing: StatementSync;
  readonly #putOutgoing: StatementSync;
  readonly #splitOutgoing: StatementSync;
  readonly #leaveOutgoing: StatementSync;
  readonly #dropOutgoing: StatementSync;
  readonly #told: StatementSync;
  readonly #toldAll: StatementSync;
  readonly #toldIds: StatementSync;
  readonly #putTold: StatementSync;
  readonly #dropTold: StatementSync;
  readonly #log: StatementSync;
  readonly #trimLog: StatementSync;

  /** @param gate hears of each change */
  constructor(db: DatabaseSync, gate: DeliveryGate = openGate) {
    this.#db = db;
    this.#gate = gate;
    this.#queue = new DurableQueue(db);
    this.#outgoing = db.prepare('SELECT key, notices, alone FROM outgoing WHERE notifier = ?');
    this.#putOutgoing = db.prepare('INSERT INTO outgoing VALUES (?,?,?,0)');
    this.#splitOutgoing = db.prepare('UPDATE outgoing SET alone = 1 WHERE notifier = ?');
    this.#leaveOutgoing = db.prepare(
      'UPDATE outgoing SET notices = ?1, key = ?2 WHERE notifier = ?3',
    );
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
    return this.#queue.count(notifier) + this.#onTheirWay(notifier).length;
  }

  outgoing(notifier: string): Outgoing | undefined {
    const row = this.#outgoing.get(notifier);
    if (row === undefined) return undefined;
    const notices = noticesOf(row);
    if (row['alone'] === 0) return { key: String(row['key']), notices, alone: false };
    const next = notices.slice(0, 1);
    return { key: keyOf(next), notices: next, alone: true };
  }

  /** What is on its way goes out notice by notice from now on, in order. */
  split(notifier: string): void {
    this.#splitOutgoing.run(notifier);
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

  /** What was on its way is done; the others of its group, when it went alone, still are. */
  finish(notifier: string, { notices }: Notification, settled: Settled): void {
    inTransaction(this.#db, () => {
      for (const notice of notices) this.#settle(notifier, notice, settled);
      this.#leave(notifier, notices);
      this.#trimLog.run(deliveriesMax);
    });
  }

  /** These are another collector's to tell, and on their way here no longer. */
  leave(notifier: string, notices: readonly AlertNotice[]): void {
    inTransaction(this.#db, () => this.#leave(notifier, notices));
    for (const notice of notices) this.#gate.left(notifier, notice);
  }

  /** The same of items that wait. */
  discard(ids: readonly number[]): void {
    this.#queue.remove(ids);
  }

  /** What a receiver knows of these alerts is another collector's to know. */
  forgetTold(notifier: string, notices: readonly AlertNotice[]): void {
    inTransaction(this.#db, () => {
      for (const { id } of notices) this.#dropTold.run(notifier, id);
    });
  }

  /** Puts what a silence kept back into the queue again, as news of this moment. */
  release(notifier: string, notices: readonly AlertNotice[], atMs: number): void {
    inTransaction(this.#db, () => {
      for (const notice of notices) {
        this.#dropTold.run(notifier, notice.id);
        const news: AlertNotice = { ...notice, enqueuedMs: atMs, formerOwner: undefined };
        const body = JSON.stringify(news);
        this.#queue.add({ lane: notifier, no: null, atMs, body });
        this.#gate.settled(notifier, notice, 'waiting');
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
    return new Set([...told, ...this.#onTheirWay(notifier).map(({ id }) => id)]);
  }

  #onTheirWay(notifier: string): AlertNotice[] {
    const row = this.#outgoing.get(notifier);
    return row === undefined ? [] : noticesOf(row);
  }

  #leave(notifier: string, notices: readonly AlertNotice[]): void {
    const gone = new Set(notices.map(noticeMark));
    const left = this.#onTheirWay(notifier).filter((notice) => !gone.has(noticeMark(notice)));
    if (left.length === 0) this.#dropOutgoing.run(notifier);
    else this.#leaveOutgoing.run(JSON.stringify(left), keyOf(left), notifier);
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
    this.#gate.settled(notifier, notice, outcome);
  }
}

function noticesOf(row: Readonly<Record<string, unknown>>): AlertNotice[] {
  return JSON.parse(String(row['notices'])) as AlertNotice[];
}

/**
 * By what is told, not by when or by whom: a repeat has the same. A part of what was sent has
 * another: were the first request lost, a receiver would take the second part for a repeat.
 */
function keyOf(notices: readonly AlertNotice[]): string {
  const told = notices.map(noticeMark).sort();
  return createHash('sha256').update(told.join('\n')).digest('hex').slice(0, 32);
}
