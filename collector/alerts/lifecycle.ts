/**
 * The life of one rule on one subject. Pure: time is what the observations say.
 *
 *   inactive ──breach──► pending ──breach held for `for`──► firing ──clear held for `clear_for`──► inactive
 *                          └──not breach──► inactive (dropped)
 *
 * Invariant: a resolve comes only after its firing, and the two alternate; nothing but a breach
 * fires and nothing but evidence that it is over, or an end from outside, resolves.
 *
 * What holds a timer is consecutive evidence: after a gap it starts anew. `unknown` is no evidence
 * at all. While firing, what is neither breach nor clear starts the way back anew.
 */
import type { TransitionKind } from './alert.ts';

export type Verdict = 'breach' | 'clear' | 'between' | 'unknown';

export interface Observation {
  /** The end of the window, ms. What is not newer than the newest changes nothing. */
  readonly atMs: number;
  readonly verdict: Verdict;
}

export interface Timing {
  readonly forMs: number;
  readonly clearForMs: number;
  /** Evidence further apart than this is not consecutive. */
  readonly gapMsMax: number;
}

/** Of an alert that is active; JSON can carry it. Inactive is undefined. */
export interface AlertState {
  readonly phase: 'pending' | 'firing';
  /** When the breach began. */
  readonly startsAtMs: number;
  /** When it fired; null while pending. */
  readonly firedAtMs: number | null;
  /** The newest evidence. */
  readonly lastMs: number;
  /** Since when it has been clear, while firing. */
  readonly clearSinceMs: number | null;
}

export interface Change {
  readonly kind: TransitionKind;
  readonly atMs: number;
  readonly startsAtMs: number;
  /** How long the evidence for this change had held. */
  readonly heldMs: number;
}

export interface Step {
  readonly state: AlertState | undefined;
  /** In order; at most two. */
  readonly changes: readonly Change[];
}

export function step(
  timing: Timing,
  state: AlertState | undefined,
  { atMs, verdict }: Observation,
): Step {
  if (verdict === 'unknown') return { state, changes: [] };
  if (state === undefined) {
    return verdict === 'breach' ? begin(timing, atMs) : { state, changes: [] };
  }
  // Of a time that has been told of already: from before a clock was set, or a rule was changed.
  if (atMs <= state.lastMs) return { state, changes: [] };
  return state.phase === 'pending'
    ? stepPending(timing, state, { atMs, verdict })
    : stepFiring(timing, state, { atMs, verdict });
}

/** The subject is gone, or the rule is: what was pending is dropped, what fired is resolved. */
export function end(state: AlertState, atMs: number): Change {
  const { startsAtMs, phase } = state;
  return { kind: phase === 'firing' ? 'resolved' : 'dropped', atMs, startsAtMs, heldMs: 0 };
}

function begin({ forMs }: Timing, atMs: number): Step {
  const fires = forMs === 0;
  return {
    state: {
      phase: fires ? 'firing' : 'pending',
      startsAtMs: atMs,
      firedAtMs: fires ? atMs : null,
      lastMs: atMs,
      clearSinceMs: null,
    },
    changes: [{ kind: fires ? 'firing' : 'pending', atMs, startsAtMs: atMs, heldMs: 0 }],
  };
}

function stepPending(timing: Timing, state: AlertState, { atMs, verdict }: Observation): Step {
  const dropped = end(state, atMs);
  if (verdict !== 'breach') return { state: undefined, changes: [dropped] };
  if (atMs - state.lastMs > timing.gapMsMax) {
    // What was seen before the gap may have ended in it: this is another breach.
    const anew = begin(timing, atMs);
    return { state: anew.state, changes: [dropped, ...anew.changes] };
  }
  const { startsAtMs } = state;
  const heldMs = atMs - startsAtMs;
  if (heldMs < timing.forMs) return { state: { ...state, lastMs: atMs }, changes: [] };
  return {
    state: { ...state, phase: 'firing', firedAtMs: atMs, lastMs: atMs },
    changes: [{ kind: 'firing', atMs, startsAtMs, heldMs }],
  };
}

function stepFiring(timing: Timing, state: AlertState, { atMs, verdict }: Observation): Step {
  if (verdict !== 'clear') {
    return { state: { ...state, lastMs: atMs, clearSinceMs: null }, changes: [] };
  }
  const consecutive = atMs - state.lastMs <= timing.gapMsMax;
  const clearSinceMs = consecutive ? (state.clearSinceMs ?? atMs) : atMs;
  const heldMs = atMs - clearSinceMs;
  if (heldMs < timing.clearForMs) {
    return { state: { ...state, lastMs: atMs, clearSinceMs }, changes: [] };
  }
  return { state: undefined, changes: [{ ...end(state, atMs), heldMs }] };
}
