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

  slotCame(slot: number): void {
    const [wallMs, monotonicMs] = [this.#clock.wallMs(), this.#clock.monotonicMs()];
    this.#arrivals.set(slot, { wallMs, monotonicMs });
  }

  slotLeft(slot: number): void {
    this.#arrivals.delete(slot);
  }

  /** An alert whose former owner has not said that it is done with it. */
  hold(key: string): void {
    this.#heldSinceMs.set(key, this.#clock.monotonicMs());
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
