/** Of whom something is expected. */
import type { Source } from '../ingest/source.ts';

/** What a goodbye closes tells of a machine on its way down, and of nothing that a person should see to. */
export function isWatched({ replayed, off, decommissioned }: Source): boolean {
  return !replayed && !off && !decommissioned;
}

/**
 * Whether no server is left that windows of the fleet could come from: nobody is heard, and whoever
 * was heard last said goodbye or was taken out. Who fell silent before that holds nothing up; where
 * all fall silent without a word nothing is known, and so nothing is over.
 * @param isHeard whether something came of it lately
 */
export function isFleetGone(
  sources: Iterable<Source>,
  isHeard: (source: Source) => boolean,
): boolean {
  let last: Source | undefined;
  for (const source of sources) {
    if (source.replayed) continue;
    if (isWatched(source) && isHeard(source)) return false;
    if (last === undefined || source.lastSeenMs > last.lastSeenMs) last = source;
  }
  return last === undefined || !isWatched(last);
}
