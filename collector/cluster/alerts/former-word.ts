/**
 * What former owners of our slots say, in their old terms, they told of alerts: it may come before
 * we have judged the same windows again, and then counts all the same. Pure.
 *
 * Invariant: here are the newest notices of each alert of our slots of which a former owner spoke
 * since its slot came; where these are more than `wordsMax`, of those that were spoken of last.
 */
import { alertNoticesMax } from '../../../wire/limits.ts';
import type { AlertRecordOnWire, NoticeOnWire } from '../../../wire/records/alert-record.ts';
import { keyOf } from './forms.ts';

/** Alerts that are remembered; what was said of another may be told once more. */
export const wordsMax = 10_000;

interface Word {
  readonly slot: number;
  readonly notices: readonly NoticeOnWire[];
}

export class FormerWord {
  readonly #words = new Map<string, Word>();

  heard(record: AlertRecordOnWire): void {
    if (record.notices.length === 0) return;
    const key = keyOf(record);
    const { slot, notices } = record;
    const before = this.#words.get(key)?.notices.filter((each) => !isAmong(notices, each)) ?? [];
    // It becomes the newest.
    this.#words.delete(key);
    this.#words.set(key, { slot, notices: [...before, ...notices].slice(-alertNoticesMax) });
    const [oldest] = this.#words.keys();
    if (this.#words.size > wordsMax && oldest !== undefined) this.#words.delete(oldest);
  }

  /** @param key of a rule and its subject */
  of(key: string): readonly NoticeOnWire[] {
    return this.#words.get(key)?.notices ?? [];
  }

  slotLeft(slot: number): void {
    for (const [key, word] of this.#words) if (word.slot === slot) this.#words.delete(key);
  }
}

function isAmong(notices: readonly NoticeOnWire[], { id, status }: NoticeOnWire): boolean {
  return notices.some((each) => each.id === id && each.status === status);
}
