/**
 * What is not to be told here yet, since whoever had its slot before may have told it and nobody
 * else has heard of that so far. Pure.
 */
import type { Clock } from '../../../runtime/clock.ts';

/**
 * Whoever had an alert before may still be at a notice of it for as long as its notifier waits for
 * an answer; then the word of that comes in the topic, in less than this on top.
 */
const handOverMs = 5_000;

/** When a slot came, by both clocks. */
interface Arrival {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export class HandOver {
  readonly #clock: Clock;
  readonly #arrivals = new Map<number, Arrival>();
  /** Key of an alert → held since then, monotonic. */
  readonly #heldSinceMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** All at one instant, so that what is judged of them together may be told together. */
  slotsCame(slots: Iterable<number>): void {
    const arrival = { wallMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs() };
    for (const slot of slots) this.#arrivals.set(slot, arrival);
  }

  slotLeft(slot: number): void {
    this.#arrivals.delete(slot);
  }

  /**
   * Alerts whose former owner has not said that it is done with them. All from one instant on: what
   * it told together goes together again.
   */
  hold(keys: Iterable<string>): void {
    const sinceMs = this.#clock.monotonicMs();
    for (const key of keys) this.#heldSinceMs.set(key, sinceMs);
  }

  /**
   * An alert of that slot is to be told from `atMs` on, of the wall's clock. Before the slot came
   * its former owner may have judged and told the same, though no word of it is in the topic yet.
   * One that is held since later stays so.
   */
  judged(key: string, slot: number, atMs: number): void {
    const arrival = this.#arrivals.get(slot);
    if (arrival === undefined || atMs > arrival.wallMs) return;
    const sinceMs = this.#heldSinceMs.get(key) ?? Number.NEGATIVE_INFINITY;
    this.#heldSinceMs.set(key, Math.max(sinceMs, arrival.monotonicMs));
  }

  letGo(key: string): void {
    this.#heldSinceMs.delete(key);
  }

  /** @param timeoutMs for so long the notifier waits for an answer */
  isHeld(key: string, timeoutMs: number): boolean {
    const sinceMs = this.#heldSinceMs.get(key);
    return sinceMs !== undefined && this.#clock.monotonicMs() - sinceMs < timeoutMs + handOverMs;
  }
}
