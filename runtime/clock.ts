/**
 * Time as a port. Two clocks, never mixed: wall time is what events carry and may jump; monotonic
 * time is what durations are measured by and does not.
 */
export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  wallMs(): number;
  /** Milliseconds since some fixed point; never goes back. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
