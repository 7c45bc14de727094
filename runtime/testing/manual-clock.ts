/** A clock that stands still until a test moves it. Wall and monotonic time move apart at will. */
import type { Clock } from '../clock.ts';

export interface ManualClock extends Clock {
  /** Both clocks go on by this much. */
  advance(ms: number): void;
  /** The wall clock alone jumps, as when somebody sets it. */
  setWall(ms: number): void;
}

/** 2026-01-15T12:00:00Z: a whole number of windows, far from a change of day. */
export const noonMs = Date.UTC(2026, 0, 15, 12);

export function createManualClock(startWallMs = noonMs): ManualClock {
  let wallMs = startWallMs;
  // Not 0 and not the wall's: code that mixes the two clocks shows.
  let monotonicMs = 1_234;
  return {
    wallMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    advance(ms) {
      wallMs += ms;
      monotonicMs += ms;
    },
    setWall(ms) {
      wallMs = ms;
    },
  };
}
