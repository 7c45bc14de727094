/**
 * When a term above ours, which somebody took who has not our slots, is answered with a higher one:
 * only while the slots are surely ours, and not more often than once in a while, for two that each
 * have all slots would go on for ever.
 *
 * Invariant: what was not answered waits here, the newest of each alert and at most `deferredMax`.
 */
import type { AlertRecordOnWire } from '../../../wire/records/alert-record.ts';
import { keyOf } from './forms.ts';

/** Terms above ours are answered at most once in this time. */
export const outrankEveryMs = 10_000;
/** Records that wait for an answer; what was said of another waits for its next change. */
export const deferredMax = 10_000;

/** What is to be answered. */
export interface Word {
  readonly record: AlertRecordOnWire;
  /** The newest that was known of the alert before. */
  readonly before: AlertRecordOnWire | undefined;
}

export class Outranking {
  readonly #deferred = new Map<string, Word>();
  #atMs = Number.NEGATIVE_INFINITY;

  /** @param nowMs monotonic @returns whether it is time to answer; then it is not for a while */
  begin(nowMs: number): boolean {
    if (!this.#isDue(nowMs)) return false;
    this.#atMs = nowMs;
    return true;
  }

  defer(word: Word): void {
    const key = keyOf(word.record);
    const { before } = this.#deferred.get(key) ?? word;
    this.#deferred.delete(key);
    this.#deferred.set(key, { record: word.record, before });
    const [oldest] = this.#deferred.keys();
    if (this.#deferred.size > deferredMax && oldest !== undefined) this.#deferred.delete(oldest);
  }

  /** We told since how it stands, in a term that counts less than that of what waits here. */
  said(record: AlertRecordOnWire): void {
    const word = this.#deferred.get(keyOf(record));
    if (word !== undefined) this.#deferred.set(keyOf(record), { ...word, before: record });
  }

  /** These are another's to answer, or are answered when they are ours again. */
  forget(isMeant: (record: AlertRecordOnWire) => boolean): void {
    for (const [key, { record }] of this.#deferred) if (isMeant(record)) this.#deferred.delete(key);
  }

  /** All that wait, the oldest first; none before it is time. @param nowMs monotonic */
  takeDue(nowMs: number): Word[] {
    if (!this.#isDue(nowMs)) return [];
    const words = [...this.#deferred.values()];
    this.#deferred.clear();
    return words;
  }

  #isDue(nowMs: number): boolean {
    return nowMs - this.#atMs >= outrankEveryMs;
  }
}
