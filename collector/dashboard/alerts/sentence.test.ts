import { describe, expect, test } from 'vitest';
import type { AlertSummary, AlertView } from '../../api/contract.ts';
import { clockTime } from '../lib/format.ts';
import { madeAlert } from '../testing/made-alert.ts';
import { outcomeOf, sentenceOf } from './sentence.ts';

const startedMs = new Date(2026, 2, 4, 14, 1, 20).getTime();
const firedMs = startedMs + 2 * 60_000;
const at = clockTime(firedMs);
const rule = {
  about: 'CPU above 90 %.',
  when: 'cpu_pct.avg > 90',
  clear: null,
  silent: null,
  for: '2m',
  clear_for: '0s',
  labels: {},
  notify: [],
};

function madeView(change: Partial<AlertView>, alert: Partial<AlertSummary> = {}): AlertView {
  const firing = { kind: 'firing', at: firedMs, reason: 'cpu_pct.avg 97.3 for 2m' } as const;
  return {
    now: firedMs + 7 * 60_000,
    alert: madeAlert({ starts_at: startedMs, fired_at: firedMs, ...alert }),
    rule,
    transitions: [{ ...firing, values: { 'cpu_pct.avg': 97.3 } }],
    windows: [],
    deliveries: [],
    ...change,
  };
}

describe('why an alert fired', () => {
  test('one comparison is put into words', () => {
    expect(sentenceOf(madeView({}))).toBe(
      `cpu-high fired on pc-07 at ${at} because cpu_pct.avg stayed above 90% for 2m: 97.3%`,
    );
    const atOnce = madeView({ rule: { ...rule, for: '0s' } }, { server: '' });
    expect(sentenceOf(atOnce)).toBe(
      `cpu-high fired on the fleet at ${at} because cpu_pct.avg was above 90%: 97.3%`,
    );
  });

  test('a rule that was changed since is not held against the values from then', () => {
    const reason = `cpu-high fired on pc-07 at ${at}: cpu_pct.avg 97.3 for 2m`;
    expect(sentenceOf(madeView({ rule: { ...rule, when: 'cpu_pct.avg > 99' } }))).toBe(reason);
    expect(sentenceOf(madeView({ rule: { ...rule, when: 'mem_pct.avg > 9' } }))).toBe(reason);
    expect(sentenceOf(madeView({ rule: null }))).toBe(reason);
  });

  test('the reason for its end is not the reason for its firing', () => {
    const resolved = madeView({}, { state: 'resolved', ended_at: firedMs, reason: 'said goodbye' });
    expect(sentenceOf(resolved)).toContain('because cpu_pct.avg stayed above 90%');
  });

  test('silence is told as it was noted', () => {
    const silent = { ...rule, when: null, silent: '2m' };
    const transitions = [
      { kind: 'firing', at: firedMs, reason: 'not heard for 2m', values: null },
    ] as const;
    expect(sentenceOf(madeView({ rule: silent, transitions }))).toBe(
      `cpu-high fired on pc-07 at ${at}: not heard for 2m`,
    );
  });

  test('what has not fired is not said to have fired', () => {
    const transitions = [
      { kind: 'pending', at: startedMs, reason: 'cpu_pct.avg 97.3', values: null },
    ] as const;
    const pending = madeView({ transitions }, { state: 'pending', fired_at: null });
    const since = clockTime(startedMs);
    expect(sentenceOf(pending)).toBe(
      `cpu-high is pending on pc-07 since ${since}: cpu_pct.avg 97.3`,
    );
    const dropped = madeView({ transitions }, { state: 'dropped', fired_at: null });
    expect(sentenceOf(dropped)).toContain('was pending on pc-07');
  });
});

test('what has become of it, with how long it took', () => {
  expect(outcomeOf(madeView({}), firedMs + 60_000)).toBe('Firing for 1 min.');
  const endedMs = firedMs + 5 * 60_000;
  const over = { ended_at: endedMs, reason: 'cpu_pct.avg 40 for 1m' };
  expect(outcomeOf(madeView({}, { state: 'resolved', ...over }), endedMs + 1)).toBe(
    `Resolved at ${clockTime(endedMs)} after 5 min: cpu_pct.avg 40 for 1m.`,
  );
  const pending = madeView({}, { state: 'pending', fired_at: null });
  expect(outcomeOf(pending, startedMs + 30_000)).toBe(
    'Pending for 30 s. It fires when this holds for 2m.',
  );
  const dropped = madeView({}, { state: 'dropped', fired_at: null, ...over });
  expect(outcomeOf(dropped, endedMs)).toContain('before it fired: cpu_pct.avg 40');
});
