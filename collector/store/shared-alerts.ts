/** What the store has of alerts that collectors share. What is read was checked when it was written. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { AlertRecordOnWire } from '../../wire/records/alert-record.ts';
import type { Group, TopicPosition } from './group.ts';
import { topicPositions } from './log-positions.ts';

/** What one group holds of them, written inside the transaction that the caller has begun. */
export class SharedAlertStatements {
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  readonly #position: StatementSync;
  readonly #putOwn: StatementSync;
  readonly #dropOwn: StatementSync;
  readonly #told: StatementSync;

  constructor(db: DatabaseSync) {
    this.#put = db.prepare('INSERT OR REPLACE INTO shared_alerts VALUES (?,?,?,?,?,?)');
    this.#drop = db.prepare('DELETE FROM shared_alerts WHERE rule = ? AND server = ?');
    this.#position = db.prepare('INSERT OR REPLACE INTO shared_alert_positions VALUES (?,?,?)');
    this.#putOwn = db.prepare('INSERT OR REPLACE INTO own_alerts VALUES (?,?,?)');
    this.#dropOwn = db.prepare('DELETE FROM own_alerts WHERE rule = ? AND server = ?');
    this.#told = db.prepare('INSERT OR REPLACE INTO told VALUES (?,?,?,?)');
  }

  write({ sharedAlerts, sharedAlertPositions, ownAlerts, told }: Group): void {
    for (const { rule, server, record } of sharedAlerts.values()) {
      if (record === null) this.#drop.run(rule, server);
      else {
        const { slot, owner, active } = record;
        const isActive = Number(active !== null);
        this.#put.run(rule, server, slot, owner.term, isActive, JSON.stringify(record));
      }
    }
    for (const [partition, { offset, topicId = null }] of sharedAlertPositions) {
      this.#position.run(partition, offset, topicId);
    }
    for (const { rule, server, body } of ownAlerts.values()) this.putOwn(rule, server, body);
    for (const { notifier, held, notice } of told) {
      this.#told.run(notifier, notice.id, Number(held), JSON.stringify(notice));
    }
  }

  /** @param body null: the alert is over, or another collector's */
  putOwn(rule: string, server: string, body: string | null): void {
    if (body === null) this.#dropOwn.run(rule, server);
    else this.#putOwn.run(rule, server, body);
  }
}

/** By partition of `alerts`. */
export function sharedAlertPositions(db: DatabaseSync): Map<number, TopicPosition> {
  return topicPositions(db.prepare('SELECT * FROM shared_alert_positions'));
}

/** Each term that a record has. */
export function sharedTerms(db: DatabaseSync): number[] {
  const rows = db.prepare('SELECT DISTINCT term FROM shared_alerts').all();
  return rows.map(({ term }) => Number(term));
}

/** The newest record of each key of these slots. */
export function sharedAlertsOf(db: DatabaseSync, slots: Iterable<number>): AlertRecordOnWire[] {
  return recordsOf(
    db
      .prepare('SELECT body FROM shared_alerts WHERE slot IN (SELECT value FROM json_each(?))')
      .all(JSON.stringify([...slots])),
  );
}

/** Of each rule. */
export function sharedAlertsAbout(db: DatabaseSync, server: string): AlertRecordOnWire[] {
  return recordsOf(db.prepare('SELECT body FROM shared_alerts WHERE server = ?').all(server));
}

export function sharedAlert(
  db: DatabaseSync,
  rule: string,
  server: string,
): AlertRecordOnWire | undefined {
  const row = db
    .prepare('SELECT body FROM shared_alerts WHERE rule = ? AND server = ?')
    .all(rule, server);
  return recordsOf(row)[0];
}

/** Active alerts, whoever judges them; at most `countMax`. */
export function activeSharedAlerts(db: DatabaseSync, countMax: number): AlertRecordOnWire[] {
  return recordsOf(
    db.prepare('SELECT body FROM shared_alerts WHERE active = 1 LIMIT ?').all(countMax),
  );
}

/** Our own alerts that were open, as they were last told. */
export function ownAlerts(db: DatabaseSync): AlertRecordOnWire[] {
  return recordsOf(db.prepare('SELECT body FROM own_alerts').all());
}

/** What is on its way to a notifier, as `notifier|id|status`. */
export function noticesOnTheirWay(db: DatabaseSync): ReadonlySet<string> {
  const rows = db
    .prepare(
      `SELECT concat_ws('|', notifier, json_extract(value, '$.id'), json_extract(value, '$.status'))
       AS mark FROM outgoing, json_each(outgoing.notices)`,
    )
    .all();
  return new Set(rows.map(({ mark }) => String(mark)));
}

function recordsOf(rows: readonly Record<string, unknown>[]): AlertRecordOnWire[] {
  return rows.map(({ body }) => JSON.parse(String(body)) as AlertRecordOnWire);
}
