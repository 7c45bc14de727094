/**
 * Decides when a fleet window is made: when every active source of its origin has passed its end.
 * What is pending is also in the store, so a restart loses none.
 */
import type { FleetStart } from '../store/group.ts';

/** How far one source's events have come, by origin; idle, skewed and closed sources hold nothing up. */
export interface Progress {
  readonly originMs: number;
  readonly watermarkMs: number;
  readonly active: boolean;
}

export class FleetFrontier {
  readonly #pending = new Map<string, FleetStart>();

  /** A server's window of this start changed. @returns false when it was pending already */
  note(start: FleetStart): boolean {
    const key = `${start.originMs}:${start.startMs}`;
    if (this.#pending.has(key)) return false;
    this.#pending.set(key, start);
    return true;
  }

  /** Takes out what is due, at most `countMax`; the rest stays for the next time. */
  takeDue(sources: Iterable<Progress>, countMax: number): FleetStart[] {
    if (this.#pending.size === 0) return [];
    const frontier = new Map<number, number>();
    for (const { originMs, watermarkMs, active } of sources) {
      if (!active) continue;
      frontier.set(originMs, Math.min(frontier.get(originMs) ?? Infinity, watermarkMs));
    }
    const due: FleetStart[] = [];
    for (const [key, start] of this.#pending) {
      if (due.length >= countMax) break;
      if (start.endMs > (frontier.get(start.originMs) ?? Infinity)) continue;
      this.#pending.delete(key);
      due.push(start);
    }
    return due;
  }
}
