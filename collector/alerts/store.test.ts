import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { Group } from '../store/group.ts';
import { MIGRATIONS } from '../store/schema.ts';
import { AlertStatements, transitionRowsMax } from '../store/alert-statements.ts';
import type { Transition } from './alert.ts';
import {
  pastAlerts,
  storedTransitions,
  transitionsOf,
  windowsAround,
  windowsInTime,
} from './store.ts';
import { feed, startEngine } from './testing/engine-rig.ts';

const RULES = `
rules:
  - { name: cpu, about: CPU is high., when: cpu_pct.avg > 90, for: 10s, severity: warning }
`;
const ever = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

it('tells the alerts that ended last, the newest first, and their steps', () => {
  const rig = startEngine(RULES);
  for (const name of ['a', 'b', 'c']) feed(rig, rig.source(name), [99, 99, 50]);
  rig.commit();
  const past = pastAlerts(rig.db, { countMax: 2 });
  expect(past.map(({ server }) => server)).toEqual(['c', 'b']);
  const startsAtMs = noonMs + 70_000;
  expect(past[0]).toMatchObject({
    kind: 'resolved',
    startsAtMs,
    firedAtMs: startsAtMs + 10_000,
    endedAtMs: startsAtMs + 20_000,
    reason: 'cpu_pct.avg 50',
  });
  const steps = transitionsOf(rig.db, past[0]?.id ?? '');
  expect(steps.map(({ kind }) => kind)).toEqual(['pending', 'firing', 'resolved']);
  expect(steps[0]?.window?.values).toEqual({ 'cpu_pct.avg': 99 });
});

it('tells those of one server alone, however many others ended since', () => {
  const rig = startEngine(RULES);
  feed(rig, rig.source('a'), [99, 99, 50, 99, 99, 50]);
  for (const name of ['b', 'c']) feed(rig, rig.source(name), [99, 99, 50]);
  rig.commit();
  const startsOf = (server: string): number[] =>
    pastAlerts(rig.db, { server, countMax: 2 }).map(({ startsAtMs }) => startsAtMs - noonMs);
  expect(startsOf('a')).toEqual([40_000, 10_000]);
  expect(startsOf('b')).toEqual([70_000]);
  expect(startsOf('nobody')).toEqual([]);
});

it('of many windows gives the first and the last', () => {
  const rig = startEngine(RULES);
  const source = rig.source('a');
  feed(
    rig,
    source,
    Array.from({ length: 30 }, (_, i) => i),
  );
  feed(rig, rig.source('b'), [99]);
  rig.commit();
  const around = (countMax: number): unknown[] =>
    windowsAround(rig.db, 'a', { ...ever, countMax }).map(
      ({ figures }) => (figures['cpu_pct'] as { avg: number }).avg,
    );
  expect(around(4)).toEqual([0, 1, 28, 29]);
  expect(around(60)).toEqual(Array.from({ length: 30 }, (_, i) => i));
  // Neither twice nor left out where the two meet.
  expect(around(31)).toEqual(around(60));
  expect(windowsAround(rig.db, 'nobody', { ...ever, countMax: 9 })).toEqual([]);
});

it('gives the windows of all servers and of the fleet in order of time', () => {
  const rig = startEngine(RULES);
  const [a, b] = [rig.source('a'), rig.source('b')];
  for (let i = 0; i < 3; i += 1) {
    feed(rig, a, [50]);
    rig.window(b, { cpu_pct: 60 });
    rig.due(rig.clock.wallMs());
  }
  rig.commit();
  const windows = [...windowsInTime(rig.db, { fromMs: noonMs - 20_000, toMs: noonMs })];
  expect(windows.map(({ server, startMs }) => `${startMs - noonMs} ${server}`)).toEqual([
    '-20000 a',
    '-20000 b',
    '-20000 ',
    '-10000 a',
    '-10000 b',
    '-10000 ',
  ]);
});

it('a store that only the first windrow has opened has no alerts', () => {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  db.exec(MIGRATIONS[0] ?? '');
  expect([...storedTransitions(db, ever)]).toEqual([]);
});

it('transitions are bounded: the oldest go first', () => {
  const { db } = startEngine('rules: []', temporaryFolder());
  const old = db.prepare(
    "INSERT INTO alert_transitions VALUES (?, 'x', 'cpu', 'a', 'pending', 'info', 1, 1, '', NULL, NULL)",
  );
  for (const no of [1, 2, transitionRowsMax]) old.run(no);
  const group = new Group();
  const transition: Transition = {
    id: 'y',
    rule: 'cpu',
    server: 'a',
    kind: 'firing',
    severity: 'info',
    atMs: noonMs,
    startsAtMs: noonMs,
    reason: '',
    window: null,
    processes: null,
  };
  group.alertTransitions.push(transition);
  new AlertStatements(db).write(group);
  const kept = db.prepare('SELECT no FROM alert_transitions ORDER BY no').all();
  expect(kept.map(({ no }) => no)).toEqual([2, transitionRowsMax, transitionRowsMax + 1]);
});
