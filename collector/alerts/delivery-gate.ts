/**
 * Whose it is to tell a notice: where several collectors share a fleet, that of its server's owner.
 * One collector alone tells all.
 */
import type { AlertNotice } from './alert.ts';
import type { Outcome } from './deliveries.ts';

/** `later`: it is not known yet, or another may be at it still. `never`: it is another's, or done. */
export type Verdict = 'now' | 'later' | 'never';

export interface DeliveryGate {
  /** Of one that waits or is on its way. */
  mayTell(notifier: string, notice: AlertNotice): Verdict;
  /** Of one that was told, or is held by a silence: whether its alert is ours. */
  isOurs(notice: AlertNotice): Verdict;
  /** What became of a notice, in the transaction that notes it; `waiting`: a silence let it go. */
  settled(notifier: string, notice: AlertNotice, outcome: Outcome | 'waiting'): void;
  /** It is on its way no longer, though nobody has taken it. */
  left(notifier: string, notice: AlertNotice): void;
}

export const openGate: DeliveryGate = {
  mayTell: () => 'now',
  isOurs: () => 'now',
  settled: () => {},
  left: () => {},
};
