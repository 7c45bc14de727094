/**
 * What keeps records out, as the collector tells it.
 *
 * Invariant: of two reports the one that was made later stands, whichever way it came.
 */
import type { IntakeView } from '../../api/contract.ts';

/** One that lasts no longer is nothing to tell of: a collector starts, or shares its work anew. */
const toldAfterMs = 5_000;

export class IntakeState {
  deaf: IntakeView['deaf'] = [];
  quarantine: IntakeView['quarantine'] = { kept: 0, newest: [] };
  #madeMs = 0;

  load(view: IntakeView): void {
    if (view.now < this.#madeMs) return;
    this.#madeMs = view.now;
    this.deaf = view.deaf;
    this.quarantine = view.quarantine;
  }

  /** Since when nothing is taken in, and why; undefined while there is nothing to tell. */
  trouble(nowMs: number): { readonly sinceMs: number; readonly why: string } | undefined {
    const { since_ms: sinceMs, why } = this.deaf.at(-1) ?? { since_ms: nowMs, why: null };
    return why === null || nowMs - sinceMs < toldAfterMs ? undefined : { sinceMs, why };
  }
}
