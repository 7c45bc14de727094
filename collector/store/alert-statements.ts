/** Writes what one group holds of alerts, inside the transaction that the caller has begun. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { DurableQueue } from '../../runtime/queue/queue.ts';
import type { Transition } from '../alerts/alert.ts';
import type { Group } from './group.ts';
import { SharedAlertStatements } from './shared-alerts.ts';

/** Transitions that are kept; the oldest go first. */
export const transitionRowsMax = 200_000;

export class AlertStatements {
  readonly #putState: StatementSync;
  readonly #dropState: StatementSync;
  readonly #transition: StatementSync;
  readonly #trim: StatementSync;
  readonly #known: StatementSync;
  readonly #shared: SharedAlertStatements;
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
    this.#known = db.prepare('SELECT 1 FROM alert_transitions WHERE alert_id = ? AND kind = ?');
    this.#shared = new SharedAlertStatements(db);
    this.#queue = new DurableQueue(db);
  }

  write(group: Group): void {
    const { alertStates, alertTransitions, othersTransitions, notices } = group;
    for (const { rule, server, body } of alertStates.values()) {
      if (body === null) this.#dropState.run(rule, server);
      else this.#putState.run(rule, server, body);
    }
    for (const transition of alertTransitions) this.#writeTransition(transition);
    for (const transition of othersTransitions) {
      const { id, kind } = transition;
      if (this.#known.get(id, kind) === undefined) this.#writeTransition(transition);
    }
    if (alertTransitions.length + othersTransitions.length > 0) this.#trim.run(transitionRowsMax);
    this.#shared.write(group);
    for (const notice of notices) this.#queue.add(notice);
  }

  #writeTransition(transition: Transition): void {
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
}
