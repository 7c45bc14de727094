import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { type AlertState, type Change, end, step, type Timing, type Verdict } from './lifecycle.ts';

interface Observed {
  readonly kind: 'observed';
  /** Since the one before. */
  readonly afterMs: number;
  readonly verdict: Verdict;
}

type Scripted =
  | Observed
  /** The program ends and starts again with what it has written. */
  | { readonly kind: 'restart' }
  /** The subject says goodbye. */
  | { readonly kind: 'end' }
  /** The rule's durations change while its alert goes on. */
  | { readonly kind: 'rule'; readonly forMs: number; readonly clearForMs: number };

const gapMsMax = 60_000;
const durationMs = fc.constantFrom(0, 10_000, 30_000, 120_000);

const scripted: fc.Arbitrary<Scripted> = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.record({
      kind: fc.constant('observed' as const),
      // Windows come every slide; some are missing, some long, and some are old ones again.
      afterMs: fc.oneof(
        { weight: 12, arbitrary: fc.constant(10_000) },
        { weight: 2, arbitrary: fc.constantFrom(20_000, 60_000, 60_001, 600_000) },
        { weight: 1, arbitrary: fc.constantFrom(0, -10_000) },
      ),
      verdict: fc.constantFrom<Verdict>(
        'breach',
        'breach',
        'breach',
        'clear',
        'clear',
        'between',
        'unknown',
      ),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'restart' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'end' } as const) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('rule' as const),
      forMs: durationMs,
      clearForMs: durationMs,
    }),
  },
);

/** Says from all that was seen what must have happened, and keeps no state but that. */
class Oracle {
  #seen: { readonly atMs: number; readonly verdict: Verdict }[] = [];
  #firedAt: number | undefined;

  /** What must come of this observation: a firing or a resolve, with the begin of the breach. */
  observe(
    timing: Timing,
    atMs: number,
    verdict: Verdict,
  ): { kind: string; sinceMs: number } | null {
    if (verdict === 'unknown') return null;
    const isFiring = this.#firedAt !== undefined;
    const last = this.#seen.at(-1);
    const isActive = isFiring || last?.verdict === 'breach';
    if (isActive && atMs <= (last?.atMs ?? -Infinity)) return null;
    this.#seen.push({ atMs, verdict });
    const sinceMs = this.#heldSince(isFiring ? 'clear' : 'breach');
    const neededMs = isFiring ? timing.clearForMs : timing.forMs;
    if (sinceMs === undefined || atMs - sinceMs < neededMs) return null;
    this.#firedAt = isFiring ? undefined : this.#seen.length;
    if (isFiring) this.#seen = [];
    return { kind: isFiring ? 'resolved' : 'firing', sinceMs };
  }

  /** @returns whether a resolve must come */
  end(): boolean {
    const wasFiring = this.#firedAt !== undefined;
    this.#firedAt = undefined;
    this.#seen = [];
    return wasFiring;
  }

  /** Begin of the consecutive evidence of this kind that reaches up to now, since it fired. */
  #heldSince(verdict: Verdict): number | undefined {
    const evidence = this.#seen.slice(this.#firedAt ?? 0);
    let sinceMs: number | undefined;
    for (const seen of evidence.toReversed()) {
      if (seen.verdict !== verdict) break;
      if (sinceMs !== undefined && sinceMs - seen.atMs > gapMsMax) break;
      sinceMs = seen.atMs;
    }
    return sinceMs;
  }
}

interface Run {
  readonly changes: readonly Change[];
  readonly flaps: number;
}

/** Runs a script beside the oracle. @param restarts whether restarts are played */
function play(script: readonly Scripted[], restarts: boolean): Run {
  const oracle = new Oracle();
  const changes: Change[] = [];
  let timing: Timing = { forMs: 30_000, clearForMs: 10_000, gapMsMax };
  let state: AlertState | undefined;
  let atMs = 1_000_000;
  let flaps = 0;
  let last: Verdict | undefined;
  for (const scene of script) {
    if (scene.kind === 'restart') {
      if (restarts && state !== undefined) state = JSON.parse(JSON.stringify(state)) as AlertState;
    } else if (scene.kind === 'rule') {
      timing = { ...scene, gapMsMax };
    } else if (scene.kind === 'end') {
      const ended = state === undefined ? [] : [end(state, atMs)];
      expect(ended.some(({ kind }) => kind === 'resolved')).toBe(oracle.end());
      changes.push(...ended);
      state = undefined;
    } else {
      atMs += scene.afterMs;
      if (last !== undefined && scene.verdict !== last) flaps += 1;
      last = scene.verdict;
      const taken = step(timing, state, { atMs, verdict: scene.verdict });
      const told = taken.changes.filter(({ kind }) => kind === 'firing' || kind === 'resolved');
      const expected = oracle.observe(timing, atMs, scene.verdict);
      expect(told.map(({ kind, heldMs }) => [kind, heldMs])).toEqual(
        expected === null ? [] : [[expected.kind, atMs - expected.sinceMs]],
      );
      changes.push(...taken.changes);
      state = taken.state;
    }
  }
  return { changes, flaps };
}

/** What follows what in the life of one subject. */
const FOLLOWERS: Readonly<Record<string, readonly string[]>> = {
  begin: ['pending', 'firing'],
  pending: ['firing', 'dropped'],
  firing: ['resolved'],
  resolved: ['pending', 'firing'],
  dropped: ['pending', 'firing'],
};

it('over 10,000 flaps: fires and resolves when the evidence held long enough, and never otherwise', () => {
  let flaps = 0;
  fc.assert(
    fc.property(fc.array(scripted, { minLength: 60, maxLength: 200 }), (script) => {
      const run = play(script, true);
      flaps += run.flaps;
      let before: Change | undefined;
      for (const change of run.changes) {
        expect(FOLLOWERS[before?.kind ?? 'begin']).toContain(change.kind);
        const goesOn = before?.kind === 'pending' || before?.kind === 'firing';
        if (goesOn) expect(change.startsAtMs).toBe(before?.startsAtMs);
        else expect(change.startsAtMs).toBe(change.atMs);
        before = change;
      }
      expect(play(script, false).changes).toEqual(run.changes);
    }),
    { numRuns: 200 },
  );
  expect(flaps).toBeGreaterThan(10_000);
});
