/**
 * What keeps records out, as the collector tells it.
 *
 * Invariant: of two reports the one that was made later stands, whichever way it came.
 */
import type { IntakeView } from '../../api/contract.ts';

/** One that lasts no longer is nothing to tell of: a collector starts, or shares its work anew. */
const toldAfterMs = 5_000;

export interface Trouble {
  readonly sinceMs: number;
  readonly why: string;
  /** Only what other collectors tell. */
  readonly isOfOthers: boolean;
}

export class IntakeState {
  deaf: IntakeView['deaf'] = [];
  /** Why nothing that this collector makes reaches the others. */
  unpublished: string | undefined;
  quarantine: IntakeView['quarantine'] = { kept: 0, newest: [] };
  #madeMs = 0;

  load(view: IntakeView): void {
    if (view.now < this.#madeMs) return;
    this.#madeMs = view.now;
    this.deaf = view.deaf;
    this.unpublished = view.unpublished;
    this.quarantine = view.quarantine;
  }

  /** What does not come since when, and why; undefined while there is nothing to tell. */
  trouble(nowMs: number): Trouble | undefined {
    const newest = this.deaf.at(-1);
    if (newest === undefined || newest.why === null) return undefined;
    const { since_ms: sinceMs, why, others } = newest;
    if (nowMs - sinceMs < toldAfterMs) return undefined;
    return { sinceMs, why, isOfOthers: others === true };
  }
}
