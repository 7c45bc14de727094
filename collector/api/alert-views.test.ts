import { expect, it } from 'vitest';
import { feed, startEngine } from '../alerts/testing/engine-rig.ts';
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
  const views = new AlertViews({ engine, registry, db, clock });
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
