/**
 * Which alerts ended lately that another collector judged: what they were judged by is not judged
 * again here. Pure.
 *
 * Invariant: it holds only what was noted since the last one that is not recent any more; no window
 * of before is judged anyhow.
 */
import { alertKeyText } from '../../wire/records/alert-record.ts';

export class OverElsewhere {
  /** Rule and subject → when; the longest known first. */
  readonly #overMs = new Map<string, number>();
  readonly #isRecent: (atMs: number) => boolean;

  /** @param isRecent whether a window that ends then may be judged still */
  constructor(isRecent: (atMs: number) => boolean) {
    this.#isRecent = isRecent;
  }

  get size(): number {
    return this.#overMs.size;
  }

  note(rule: string, server: string, atMs: number): void {
    // Their servers and rules may be gone: nobody asks for them any more.
    for (const [key, overMs] of this.#overMs) {
      if (this.#isRecent(overMs)) break;
      this.#overMs.delete(key);
    }
    if (!this.#isRecent(atMs)) return;
    const key = alertKeyText({ rule, server });
    this.#overMs.delete(key);
    this.#overMs.set(key, atMs);
  }

  /** Whether that alert was not over before a window that ends then. */
  covers(rule: string, server: string, atMs: number): boolean {
    const key = alertKeyText({ rule, server });
    const overMs = this.#overMs.get(key);
    if (overMs === undefined) return false;
    if (atMs > overMs) this.#overMs.delete(key);
    return atMs <= overMs;
  }
}
