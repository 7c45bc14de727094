/**
 * Alerts that another collector has by now, while a notice of them is on its way from here still.
 *
 * Invariant: an alert is here exactly as long as some notice of it is on its way; then its owner is
 * told what became of it, in the term in which it was ours.
 */
import type { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../../runtime/errors.ts';
import type { Logger } from '../../../runtime/logging.ts';
import { type AlertNotice, noticeMark } from '../../alerts/alert.ts';
import { noticesOnTheirWay } from '../../store/shared-alerts.ts';
import { type Settling, waitingOf, withOutcome } from './entry.ts';
import { type Entry, keyOf } from './forms.ts';

interface Parting {
  entry: Entry;
  readonly term: number;
  readonly onTheirWay: Set<string>;
}

export interface PartingOptions {
  readonly db: DatabaseSync;
  readonly log: Logger;
  /** Nothing of it is on its way any longer. */
  readonly onEnd: (entry: Entry, term: number) => void;
}

export class PartingAlerts {
  readonly #parting = new Map<string, Parting>();
  readonly #options: PartingOptions;

  constructor(options: PartingOptions) {
    this.#options = options;
  }

  /** @param term in which they were ours */
  add(entries: readonly Entry[], term: number): void {
    const onTheirWay = entries.length === 0 ? undefined : this.#onTheirWay();
    if (onTheirWay === undefined) return;
    for (const entry of entries) this.#add(entry, term, onTheirWay);
  }

  #add(entry: Entry, term: number, onTheirWay: ReadonlySet<string>): void {
    const marks = [...waitingOf(entry)].map(({ notifier, notice }) => markOf(notifier, notice));
    const still = new Set(marks.filter((mark) => onTheirWay.has(mark)));
    if (still.size > 0) this.#parting.set(keyOf(entry), { entry, term, onTheirWay: still });
    else if (marks.length > 0) this.#options.onEnd(entry, term);
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
    this.#options.onEnd(parting.entry, parting.term);
  }

  /** Undefined when the store cannot be read: then the next owner hears nothing, and waits its time. */
  #onTheirWay(): ReadonlySet<string> | undefined {
    const { db, log } = this.#options;
    try {
      return noticesOnTheirWay(db);
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'notices on their way are not known');
      return undefined;
    }
  }
}

function markOf(notifier: string, notice: Pick<AlertNotice, 'id' | 'status'>): string {
  return `${notifier}|${noticeMark(notice)}`;
}
