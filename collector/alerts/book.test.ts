import { expect, it } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { Group } from '../store/group.ts';
import { AlertBook } from './book.ts';
import { step } from './lifecycle.ts';
import { parseAlerts } from './rules/load.ts';

function ruleNotifying(notifier: string) {
  const { rules } = parseAlerts(
    `
rules: [{ name: cpu, about: x, when: cpu_pct.avg > 90, severity: info, notify: [${notifier}] }]
notifiers: { a: { type: command, command: [x] }, b: { type: command, command: [x] } }`,
    'alerts.yaml',
  );
  const [rule] = rules;
  if (rule === undefined) throw new Error('there is no rule');
  return rule;
}

it('who was told of the beginning is told of the end, also when the rule tells others by then', () => {
  const group = new Group();
  const book = new AlertBook({ group: () => group, wallMs: () => noonMs, onChange: () => {} });
  const timing = { forMs: 0, clearForMs: 0, gapMsMax: 60_000 };
  const cause = { reason: () => 'x', window: null, processes: () => null };
  const observe = (notifier: string, verdict: 'breach' | 'clear', atMs: number): void => {
    const taken = step(timing, book.state('cpu', 'pc-1'), { atMs, verdict });
    book.take(ruleNotifying(notifier), 'pc-1', taken, cause);
  };
  observe('a', 'breach', noonMs);
  observe('b', 'breach', noonMs + 10_000);
  observe('b', 'clear', noonMs + 20_000);
  const told = group.notices.map(({ lane, body }) => `${lane} ${JSON.parse(body).status}`);
  expect(told).toEqual(['a firing', 'a resolved', 'b resolved']);
});
