import { describe, expect, it } from 'vitest';
import { type AlertState, end, step, type Timing, type Verdict } from './lifecycle.ts';

const TIMING: Timing = { forMs: 20_000, clearForMs: 20_000, gapMsMax: 60_000 };

const VERDICTS: Readonly<Record<string, Verdict>> = {
  '#': 'breach',
  '.': 'clear',
  '-': 'between',
  '?': 'unknown',
};

/** A window every 10 s, a sign each; a space is one that is missing. `12:pending` = at 12 × 10 s. */
function timeline(signs: string, timing = TIMING): string[] {
  let state: AlertState | undefined;
  return signs.split('').flatMap((sign, i) => {
    const verdict = VERDICTS[sign];
    if (verdict === undefined) return [];
    const taken = step(timing, state, { atMs: i * 10_000, verdict });
    state = taken.state;
    return taken.changes.map(({ kind }) => `${i}:${kind}`);
  });
}

describe('a rule that waits 20 s both ways', () => {
  it.each([
    ['a breach that lasts', '.####', ['1:pending', '3:firing']],
    ['one that is over too soon', '.##.##.', ['1:pending', '3:dropped', '4:pending', '6:dropped']],
    ['between the thresholds is no breach', '.#-', ['1:pending', '2:dropped']],
    ['the way back', '###....', ['0:pending', '2:firing', '5:resolved']],
    ['a breach on the way back', '###..#...', ['0:pending', '2:firing', '8:resolved']],
    [
      'between the thresholds on the way back',
      '###..-...',
      ['0:pending', '2:firing', '8:resolved'],
    ],
    [
      'what is not known is as if it had not been',
      '#?##?.?..',
      ['0:pending', '2:firing', '7:resolved'],
    ],
    ['missing windows up to the gap', '#     #', ['0:pending', '6:firing']],
    [
      'a longer gap begins the breach anew',
      '#      ###',
      ['0:pending', '7:dropped', '7:pending', '9:firing'],
    ],
    [
      'a longer gap begins the way back anew',
      '###.       ...',
      ['0:pending', '2:firing', '13:resolved'],
    ],
    ['a gap alone resolves nothing', '###                    #', ['0:pending', '2:firing']],
  ])('%s', (_, signs, expected) => {
    expect(timeline(signs)).toEqual(expected);
  });
});

it('a rule that does not wait fires and resolves at once', () => {
  const timing = { ...TIMING, forMs: 0, clearForMs: 0 };
  expect(timeline('.#.#?-.', timing)).toEqual(['1:firing', '2:resolved', '3:firing', '6:resolved']);
});

it('tells how long it held, and since when', () => {
  const { state } = step(TIMING, undefined, { atMs: 100_000, verdict: 'breach' });
  expect(step(TIMING, state, { atMs: 125_000, verdict: 'breach' }).changes).toEqual([
    { kind: 'firing', atMs: 125_000, startsAtMs: 100_000, heldMs: 25_000 },
  ]);
});

it('an end from outside drops what was pending and resolves what fired', () => {
  const pending = step(TIMING, undefined, { atMs: 1, verdict: 'breach' }).state;
  const fired = step({ ...TIMING, forMs: 0 }, undefined, { atMs: 1, verdict: 'breach' }).state;
  expect([pending, fired].map((state) => state && end(state, 9).kind)).toEqual([
    'dropped',
    'resolved',
  ]);
});
