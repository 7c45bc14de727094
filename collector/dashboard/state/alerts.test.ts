import { expect, test } from 'vitest';
import type { AlertSummary, AlertsView } from '../../api/contract.ts';
import { madeAlert } from '../testing/made-alert.ts';
import { AlertsState } from './alerts.ts';

function viewOf(active: readonly AlertSummary[], past: readonly AlertSummary[] = []): AlertsView {
  return { now: 0, rules: [], active, active_count: active.length, past };
}

const idsOf = (alerts: readonly AlertSummary[]): string[] => alerts.map(({ id }) => id);

test('an alert goes from pending over firing to past, and is told of once', () => {
  const alerts = new AlertsState(null);
  alerts.askView();
  alerts.load(viewOf([madeAlert({ id: 'a', state: 'pending' })]));
  expect(idsOf(alerts.pending)).toEqual(['a']);

  const firing = madeAlert({ id: 'a', state: 'firing' });
  expect(idsOf(alerts.update([firing]))).toEqual(['a']);
  expect(alerts.update([firing])).toEqual([]);
  expect(idsOf(alerts.firing)).toEqual(['a']);
  expect(alerts.pending).toEqual([]);

  expect(alerts.update([madeAlert({ id: 'a', state: 'resolved', ended_at: 9 })])).toEqual([]);
  expect(alerts.firing).toEqual([]);
  expect(idsOf(alerts.past)).toEqual(['a']);
  expect(alerts.update([firing])).toEqual([]);
  expect(alerts.firing).toEqual([]);
});

test('an answer that was overtaken by the stream takes nothing back', () => {
  const alerts = new AlertsState(null);
  alerts.askView();
  alerts.update([madeAlert({ id: 'new' }), madeAlert({ id: 'over', state: 'resolved' })]);
  alerts.load(viewOf([madeAlert({ id: 'over', state: 'firing' })]));
  expect(idsOf(alerts.firing)).toEqual(['new']);
  expect(idsOf(alerts.past)).toEqual(['over']);
});

test('what is listed as active is active although it is listed as past too', () => {
  const alerts = new AlertsState(null);
  const listed = viewOf(
    [madeAlert({ id: 'fires' }), madeAlert({ id: 'soon', state: 'pending' })],
    ['fires', 'soon', 'over'].map((id) => madeAlert({ id, state: 'resolved', ended_at: 9 })),
  );
  alerts.askView();
  alerts.load(listed);
  expect(idsOf(alerts.firing)).toEqual(['fires']);
  expect(idsOf(alerts.pending)).toEqual(['soon']);
  expect(idsOf(alerts.past)).toEqual(['over']);

  alerts.askView();
  alerts.update([madeAlert({ id: 'fires', state: 'resolved', ended_at: 10 })]);
  alerts.load(listed);
  expect(alerts.firing).toEqual([]);
  expect(idsOf(alerts.past)).toEqual(['fires', 'over']);
});

test('what the collector no longer lists is gone after the next load', () => {
  const alerts = new AlertsState(null);
  alerts.askView();
  alerts.load(viewOf([madeAlert({ id: 'a' }), madeAlert({ id: 'b' })]));
  alerts.update([madeAlert({ id: 'c' })]);
  alerts.askView();
  alerts.load(viewOf([madeAlert({ id: 'b' })]));
  expect(idsOf(alerts.firing)).toEqual(['b']);
});

test('a dropped alert leaves no trace', () => {
  const alerts = new AlertsState(null);
  alerts.update([madeAlert({ id: 'a', state: 'pending' })]);
  alerts.update([madeAlert({ id: 'a', state: 'dropped', ended_at: 9 })]);
  expect([...alerts.pending, ...alerts.firing, ...alerts.past]).toEqual([]);
});

test('a server’s row knows what fires there, and of nothing the same nothing', () => {
  const alerts = new AlertsState(null);
  alerts.update([
    madeAlert({ id: 'mild', severity: 'info' }),
    madeAlert({ id: 'bad', severity: 'critical' }),
    madeAlert({ id: 'fleet', server: '', server_no: null }),
    madeAlert({ id: 'soon', state: 'pending' }),
  ]);
  expect(idsOf(alerts.firingOf(7))).toEqual(['bad', 'mild']);
  expect(alerts.firingOf(8)).toBe(alerts.firingOf(9));
});

test('a flood stays within bounds and is counted', () => {
  const alerts = new AlertsState(null);
  const flood = (state: 'firing' | 'resolved', count: number): AlertSummary[] =>
    Array.from({ length: count }, (_, i) =>
      madeAlert({ id: `${state}-${i}`, state, ended_at: state === 'firing' ? null : i }),
    );
  alerts.update([...flood('firing', 1_200), ...flood('resolved', 500)]);
  expect(alerts.firing).toHaveLength(1_000);
  expect(alerts.unlisted).toBe(200);
  expect(alerts.past).toHaveLength(200);
  expect(alerts.past[0]?.id).toBe('resolved-499');
  alerts.update([]);
  expect(alerts.unlisted).toBe(200);
});

test('the list of one server takes from the stream what is about it', () => {
  const alerts = new AlertsState(7);
  const own = madeAlert({ id: 'own', server_no: 7 });
  const others = [madeAlert({ server_no: 8 }), madeAlert({ server: '', server_no: null })];
  expect(alerts.update([own, ...others])).toEqual([own]);
  expect(alerts.firing).toEqual([own]);
});
