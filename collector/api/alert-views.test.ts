import { expect, it } from 'vitest';
import type { Alert } from '../alerts/alert.ts';
import { pastAlerts } from '../alerts/store.ts';
import { type EngineRig, feed, startEngine } from '../alerts/testing/engine-rig.ts';
import { Registry } from '../ingest/registry.ts';
import { AlertViews } from './alert-views.ts';

const RULES = `
rules:
  - { name: cpu, about: CPU is high., when: cpu_pct.avg > 90, severity: warning }
`;

it('one server’s alerts are its own: neither another’s, nor those of the live one for a replay', () => {
  const rig = startEngine(RULES);
  const registry = new Registry();
  for (const [serverId, replayId] of [
    ['pc-1', ''],
    ['pc-2', ''],
    ['pc-1', 'f'.repeat(64)],
  ] as const) {
    registry.create({ serverId, replayId, originMs: 0 });
  }
  feed(rig, rig.source('pc-1'), [99, 50, 99]);
  feed(rig, rig.source('pc-2'), [99]);
  rig.commit();
  const { engine, db, clock } = rig;
  const views = new AlertViews({ engine, registry, db, clock, others: () => [] });
  const listed = (sourceNo: number) => {
    const view = views.ofServer(sourceNo);
    const alerts = view === undefined ? [] : [...view.active, ...view.past];
    return alerts.map(({ state, server_no }) => `${state} ${server_no}`);
  };
  expect(listed(1)).toEqual(['firing 1', 'resolved 1']);
  expect(listed(2)).toEqual(['firing 2']);
  expect(views.ofServer(2)?.active_count).toBe(1);
  expect(listed(3)).toEqual([]);
  expect(views.all().active).toHaveLength(2);
  for (const unknown of [4, -1, 1.5, Number.NaN]) expect(views.ofServer(unknown)).toBeUndefined();
});

it('an alert that goes on after a collector ended it is active, and not of the past', () => {
  const rig = startEngine(RULES);
  const registry = new Registry();
  registry.create({ serverId: 'pc-1', replayId: '', originMs: 0 });
  feed(rig, rig.source('pc-1'), [99, 50]);
  rig.commit();
  const { engine, db, clock } = rig;
  const viewsWith = (others: () => readonly Alert[]) =>
    new AlertViews({ engine, registry, db, clock, others });
  const [ended] = pastAlerts(db, { countMax: 1 });
  if (ended === undefined) throw new Error('nothing ended');
  expect(viewsWith(() => []).all()).toMatchObject({ active: [], past: [{ id: ended.id }] });
  const views = viewsWith(() => [{ ...ended, kind: 'firing', endedAtMs: null }]);
  const goesOn = { active: [{ id: ended.id, state: 'firing' }], active_count: 1, past: [] };
  expect(views.all()).toMatchObject(goesOn);
  expect(views.ofServer(1)).toMatchObject(goesOn);
});

function explained(rig: EngineRig) {
  const { engine, db, clock } = rig;
  const views = new AlertViews({ engine, registry: new Registry(), db, clock, others: () => [] });
  return (id: string) => views.explain(id);
}

it('an alert that fires for longer than its steps are kept is still explained', () => {
  const rig = startEngine(RULES);
  feed(rig, rig.source('pc-1'), [99, 98]);
  rig.commit();
  rig.db.exec('DELETE FROM alert_transitions');
  const [active] = [...rig.engine.active()];
  const view = explained(rig)(active?.id ?? '');
  expect(view?.alert).toMatchObject({ state: 'firing', server: 'pc-1', reason: 'cpu_pct.avg 99' });
  expect(view?.rule?.when).toBe('cpu_pct.avg > 90');
  expect(view?.transitions).toEqual([]);
  expect(view?.windows.map(({ verdict }) => verdict)).toEqual(['breach', 'breach']);
  expect(explained(rig)('unknown')).toBeUndefined();
});

it('an alert of a server whose clock is off is explained by the windows of that time', () => {
  const rig = startEngine(RULES);
  const hourMs = 3_600_000;
  const ahead = rig.source('ahead', { clockOffsetMs: hourMs });
  const firedAtMs = rig.clock.wallMs();
  rig.window(ahead, { cpu_pct: 99 }, -hourMs);
  rig.clock.advance(10_000);
  rig.window(ahead, { cpu_pct: 50 }, -hourMs);
  rig.commit();
  const view = explained(rig)(rig.transitions()[0]?.id ?? '');
  expect(view?.alert).toMatchObject({ fired_at: firedAtMs, ended_at: firedAtMs + 10_000 });
  expect(view?.windows.map(({ end, verdict }) => [end - firedAtMs, verdict])).toEqual([
    [0, 'breach'],
    [10_000, 'clear'],
  ]);
});

it('an alert that saw its server’s clock put right is explained on one clock, each window once', () => {
  const rig = startEngine(RULES);
  const hourMs = 3_600_000;
  const source = rig.source('pc-1', { clockOffsetMs: hourMs });
  const firedAtMs = rig.clock.wallMs();
  rig.window(source, { cpu_pct: 99 }, -hourMs);
  rig.clock.advance(10_000);
  rig.window(source, { cpu_pct: 98 }, -hourMs);
  source.clockOffsetMs = 0;
  rig.clock.advance(90_000);
  rig.window(source, { cpu_pct: 50 });
  rig.clock.advance(10_000);
  rig.window(source, { cpu_pct: 51 });
  rig.commit();
  const view = explained(rig)(rig.transitions()[0]?.id ?? '');
  expect(view?.alert).toMatchObject({ fired_at: firedAtMs, ended_at: firedAtMs + 100_000 });
  expect(view?.windows.map(({ end, verdict }) => [end - firedAtMs, verdict])).toEqual([
    [0, 'breach'],
    [10_000, 'breach'],
    [100_000, 'clear'],
    [110_000, 'clear'],
  ]);
});
