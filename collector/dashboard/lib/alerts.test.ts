import { expect, test } from 'vitest';
import { firedText, furtherOn, severityCounts, worstFirst } from './alerts.ts';
import { madeAlert } from '../testing/made-alert.ts';

test('the worst stands first, then the newest, and equal ones never change places', () => {
  const list = [
    madeAlert({ id: 'info', severity: 'info', fired_at: 900 }),
    madeAlert({ id: 'b', fired_at: 100 }),
    madeAlert({ id: 'a', fired_at: 100 }),
    madeAlert({ id: 'new', fired_at: 200 }),
    madeAlert({ id: 'worst', severity: 'critical', fired_at: 1 }),
  ];
  const order = ['worst', 'new', 'a', 'b', 'info'];
  expect(list.toSorted(worstFirst).map(({ id }) => id)).toEqual(order);
  expect(
    list
      .toReversed()
      .sort(worstFirst)
      .map(({ id }) => id),
  ).toEqual(order);
});

test('an alert never goes back', () => {
  const pending = madeAlert({ state: 'pending' });
  const firing = madeAlert({ state: 'firing' });
  const resolved = madeAlert({ state: 'resolved' });
  expect(furtherOn(firing, pending)).toBe(firing);
  expect(furtherOn(pending, firing)).toBe(firing);
  expect(furtherOn(resolved, firing)).toBe(resolved);
  expect(furtherOn(firing, resolved)).toBe(resolved);
});

test('what fires is told in one sentence, however much it is', () => {
  const one = madeAlert({ rule: 'cpu-high', server: 'pc-07', reason: 'cpu_pct.avg 97.3 for 2m' });
  const fleet = madeAlert({ rule: 'all-busy', server: '' });
  expect(firedText([one])).toBe('warning: cpu-high on pc-07 fires: cpu_pct.avg 97.3 for 2m');
  expect(firedText([one, fleet])).toBe('2 alerts fire: cpu-high on pc-07, all-busy on the fleet');
  expect(firedText(Array.from({ length: 200 }, () => one))).toMatch(/^200 alerts .* and 197 more$/);
});

test('severities are counted from the worst on', () => {
  const list = [madeAlert({}), madeAlert({ severity: 'critical' }), madeAlert({})];
  expect(severityCounts(list)).toBe('1 critical, 2 warning');
  expect(severityCounts([])).toBe('');
});
