/**
 * The topics of a SEEDS A server are read apart from each other in a log: one that has not been seen
 * since the server is ours may only come later, so its windows wait.
 */
import type { LogSide } from './from-log.ts';
import type { Source } from './source.ts';

/** Ticks, one a second, once the log is read up: the server may not have all topics. */
const missedTicksMax = 30;
/** Panes before that: an hour of them. */
const heldPanesMax = 360;

export class LaneWait {
  readonly #holds: LogSide['holds'];
  /** For how many ticks: in a time in which the program stood still nothing could be seen. */
  readonly #waiting = new Map<Source, number>();

  constructor({ holds }: LogSide) {
    this.#holds = holds;
  }

  /** Whether no window of the source may be made now. */
  isOn(source: Source): boolean {
    if (!source.lacksLanes) return false;
    const ticks = this.#waiting.get(source) ?? 0;
    const isLong = ticks >= missedTicksMax || this.#holds.panes(source.sourceNo) >= heldPanesMax;
    if (isLong) source.lanesSettled = true;
    else this.#waiting.set(source, ticks);
    return !isLong;
  }

  /** A second has passed in which the log was read up. @returns those that have waited, to be looked at again */
  tick(): Source[] {
    const waited = [...this.#waiting.keys()];
    for (const source of waited) {
      if (source.lanesSettled) this.#waiting.delete(source);
      else this.#waiting.set(source, (this.#waiting.get(source) ?? 0) + 1);
    }
    return waited;
  }

  forget(source: Source): void {
    this.#waiting.delete(source);
  }
}
