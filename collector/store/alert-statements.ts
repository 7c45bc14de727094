/** Writes what one group holds of alerts, inside the transaction that the caller has begun. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { DurableQueue } from '../../runtime/queue/queue.ts';
import type { Group } from './group.ts';

/** Transitions that are kept; the oldest go first. */
export const transitionRowsMax = 200_000;

export class AlertStatements {
  readonly #putState: StatementSync;
  readonly #dropState: StatementSync;
  readonly #transition: StatementSync;
  readonly #trim: StatementSync;
  readonly #queue: DurableQueue;

  constructor(db: DatabaseSync) {
    this.#putState = db.prepare('INSERT OR REPLACE INTO alert_states VALUES (?,?,?)');
    this.#dropState = db.prepare('DELETE FROM alert_states WHERE rule = ? AND server = ?');
    this.#transition = db.prepare(
      'INSERT INTO alert_transitions VALUES (NULL,?,?,?,?,?,?,?,?,?,?)',
    );
    this.#trim = db.prepare(
      'DELETE FROM alert_transitions WHERE no <= (SELECT max(no) FROM alert_transitions) - ?',
    );
    this.#queue = new DurableQueue(db);
  }

  write({ alertStates, alertTransitions, notices }: Group): void {
    for (const { rule, server, body } of alertStates.values()) {
      if (body === null) this.#dropState.run(rule, server);
      else this.#putState.run(rule, server, body);
    }
    for (const transition of alertTransitions) {
      this.#transition.run(
        transition.id,
        transition.rule,
        transition.server,
        transition.kind,
        transition.severity,
        transition.atMs,
        transition.startsAtMs,
        transition.reason,
        transition.window === null ? null : JSON.stringify(transition.window),
        transition.processes,
      );
    }
    if (alertTransitions.length > 0) this.#trim.run(transitionRowsMax);
    for (const notice of notices) this.#queue.add(notice);
  }
}
