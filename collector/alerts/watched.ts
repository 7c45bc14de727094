/** Of whom something is expected. */
import type { Source } from '../ingest/source.ts';

/** What a goodbye closes tells of a machine on its way down, and of nothing that a person should see to. */
export function isWatched({ replayed, off, decommissioned }: Source): boolean {
  return !replayed && !off && !decommissioned;
}

export interface FleetHearing {
  /** Whether a server whose clock is off may be in windows of the fleet all the same. */
  readonly isSkewedIn: boolean;
  /** Whether something came of it lately. */
  readonly isHeard: (source: Source) => boolean;
  /** How long ago it was heard last, ms. */
  readonly agoMs: (source: Source) => number;
}

/**
 * Whether no server is left that windows of the fleet could come from: nobody is heard, and whoever
 * was heard last said goodbye or was taken out. Who fell silent before that holds nothing up; where
 * all fall silent without a word nothing is known, and so nothing is over.
 */
export function isFleetGone(
  sources: Iterable<Source>,
  { isSkewedIn, isHeard, agoMs }: FleetHearing,
): boolean {
  let last: Source | undefined;
  for (const source of sources) {
    if (source.replayed || (source.skewed && !isSkewedIn)) continue;
    if (isWatched(source) && isHeard(source)) return false;
    if (last === undefined || agoMs(source) < agoMs(last)) last = source;
  }
  return last === undefined || !isWatched(last);
}
