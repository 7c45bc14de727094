/** Which slots nobody else can have had between two shares of one member. Pure. */
import type { Reading } from '../log/slots.ts';
import type { Share } from './membership.ts';

/** What is ours, and what we read of it. */
export interface Held {
  readonly share: Share;
  readonly reading: Reading;
}

/**
 * Those of `before`, where `now` is the same share or the next one, of the same topics. A group that
 * was lost (its offsets topic was, or it had no members for long) begins its generations anew.
 * @param before undefined: whatever we had may have been another's since
 */
export function keptSlots(before: Held | undefined, now: Held): ReadonlySet<number> {
  if (before === undefined) return new Set();
  const generations = now.share.generation - before.share.generation;
  const isNext = generations === 0 || generations === 1;
  return isNext && now.reading.identity === before.reading.identity
    ? before.share.slots
    : new Set();
}
