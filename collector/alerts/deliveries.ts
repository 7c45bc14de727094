/** The delivery log: what became of each notice, for people who ask why they were told, or not. */
import type { DatabaseSync } from 'node:sqlite';
import type { AlertNotice } from './alert.ts';

/**
 * `silenced`: kept back by a silence; sent later when the alert still fires at its end.
 * `not needed`: a resolve of which the receiver never had the firing. `given up`: refused again
 * and again. `dropped`: too much waited.
 */
export const OUTCOMES = ['sent', 'silenced', 'not needed', 'given up', 'dropped'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Delivery {
  readonly at: number;
  readonly notifier: string;
  readonly status: AlertNotice['status'];
  readonly outcome: Outcome;
  /** Since the start of the collector; 0 when it was never tried. */
  readonly attempts: number;
  readonly error: string | null;
}

/** Rows of one alert that are shown; one that flaps has a new identity with each breach. */
const shownMax = 200;

/** What was done about one alert, oldest first. */
export function deliveriesOf(db: DatabaseSync, alertId: string): Delivery[] {
  const rows = db
    .prepare(
      `SELECT at_ms AS at, notifier, status, outcome, attempts, error
       FROM deliveries WHERE alert_id = ? ORDER BY id LIMIT ?`,
    )
    .all(alertId, shownMax);
  return rows as unknown as Delivery[];
}
