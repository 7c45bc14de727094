/**
 * Alerts that another collector has by now, while a notice of them is on its way from here still.
 *
 * Invariant: an alert is here exactly as long as some notice of it is on its way; then its owner is
 * told what became of it, in the term in which it was ours.
 */
import type { AlertNotice } from '../../alerts/alert.ts';
import { type Settling, waitingOf, withOutcome } from './entry.ts';
import { type Entry, keyOf } from './forms.ts';

interface Parting {
  entry: Entry;
  readonly term: number;
  readonly onTheirWay: Set<string>;
}

export class PartingAlerts {
  readonly #parting = new Map<string, Parting>();
  readonly #onEnd: (entry: Entry, term: number) => void;

  /** @param onEnd nothing of it is on its way any longer */
  constructor(onEnd: (entry: Entry, term: number) => void) {
    this.#onEnd = onEnd;
  }

  /** @param onTheirWay of all notices, see `noticesOnTheirWay` */
  add(entry: Entry, term: number, onTheirWay: ReadonlySet<string>): void {
    const marks = [...waitingOf(entry)].map(({ notifier, notice }) => markOf(notifier, notice));
    const still = new Set(marks.filter((mark) => onTheirWay.has(mark)));
    if (still.size > 0) this.#parting.set(keyOf(entry), { entry, term, onTheirWay: still });
    else if (marks.length > 0) this.#onEnd(entry, term);
  }

  settled({ notifier, notice, outcome }: Settling & { readonly notice: AlertNotice }): void {
    const parting = this.#parting.get(keyOf(notice));
    if (parting === undefined) return;
    parting.entry = withOutcome(parting.entry, { notifier, notice, outcome });
    this.left(notifier, notice);
  }

  left(notifier: string, notice: AlertNotice): void {
    const parting = this.#parting.get(keyOf(notice));
    if (parting?.onTheirWay.delete(markOf(notifier, notice)) !== true) return;
    if (parting.onTheirWay.size > 0) return;
    this.#parting.delete(keyOf(notice));
    this.#onEnd(parting.entry, parting.term);
  }
}

function markOf(notifier: string, { id, status }: Pick<AlertNotice, 'id' | 'status'>): string {
  return `${notifier}|${id}|${status}`;
}
