/**
 * Terms of collectors that judge alerts: each is above all that its collector has read, and the time
 * in ms where that is higher. Pure.
 */
import { futureMsMax } from '../../../wire/limits.ts';

/**
 * Whether a collector can have come to the term by `nowMs`. One far above would be the highest for
 * good: no record of a key could follow it, and in the end no number is left above it.
 */
export function isPossibleTerm(term: number, nowMs: number): boolean {
  return term <= nowMs + futureMsMax;
}

export function nextTerm(seenTerm: number, nowMs: number): number {
  return Math.max(seenTerm + 1, nowMs);
}
