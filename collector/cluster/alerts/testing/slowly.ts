import type { ManualClock } from '../../../../runtime/testing/manual-clock.ts';

/** Time passes during the work: a millisecond by each look at the clock. */
export function slowly(clock: ManualClock, work: () => void): void {
  const still = { ...clock };
  const monotonicMs = (): number => {
    still.advance(1);
    return still.monotonicMs();
  };
  Object.assign(clock, { monotonicMs });
  work();
  Object.assign(clock, still);
}
