/** What a restart of the collector leaves of alerts, and what it judges again. */
import { expect, it } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { feed, slideMs, startEngine as start } from './testing/engine-rig.ts';
import { AT_ONCE, WAITING } from './testing/rules.ts';

const FLEET_RULE = `  - { name: half, about: Half of them., of: fleet, when: cpu_pct.p50 > 90, severity: info }
notifiers:`;

it('an alert goes on where it was, and its windows are not judged again', () => {
  const dataDir = temporaryFolder();
  const first = start(WAITING, dataDir);
  feed(first, first.source('pc-1'), [95, 96]);
  first.commit();
  first.crash();

  const second = start(WAITING, dataDir, first.clock);
  const source = second.source('pc-1');
  second.window(source, { cpu_pct: 10 });
  expect(second.told).toEqual([]);
  feed(second, source, [97]);
  second.commit();
  expect(second.stored()).toEqual([
    'pending cpu pc-1: cpu_pct.avg 95',
    'firing cpu pc-1: cpu_pct.avg 97 for 20s',
  ]);
  expect([...second.engine.active()]).toMatchObject([
    { kind: 'firing', startsAtMs: noonMs + 10_000, firedAtMs: noonMs + 30_000 },
  ]);
});

it('what rose and fell before is not raised again by its first window', () => {
  const dataDir = temporaryFolder();
  const first = start(AT_ONCE, dataDir);
  feed(first, first.source('pc-1'), [99, 50]);
  first.commit();
  first.crash();

  const second = start(AT_ONCE, dataDir, first.clock);
  second.window(second.source('pc-1'), { cpu_pct: 99 }, slideMs);
  expect(second.told).toEqual([]);
});

it('the same of a server whose clock is ahead, and what is new of it is judged', () => {
  const dataDir = temporaryFolder();
  const aheadMs = 600_000;
  const first = start(AT_ONCE, dataDir);
  const before = first.source('pc-1', { clockOffsetMs: aheadMs });
  for (const cpu of [99, 50]) {
    first.clock.advance(slideMs);
    first.window(before, { cpu_pct: cpu }, -aheadMs);
  }
  first.commit();
  first.crash();

  const second = start(AT_ONCE, dataDir, first.clock);
  const source = second.source('pc-1', { clockOffsetMs: aheadMs });
  second.window(source, { cpu_pct: 99 }, -aheadMs);
  expect(second.told).toEqual([]);
  second.clock.advance(slideMs);
  second.window(source, { cpu_pct: 99 }, -aheadMs);
  expect(second.told).toEqual(['firing cpu pc-1']);
});

it('a window of a clock that ran far ahead keeps nothing from being judged', () => {
  const dataDir = temporaryFolder();
  const rules = AT_ONCE.replace('notifiers:', FLEET_RULE);
  const first = start(rules, dataDir);
  first.window(first.source('pc-1'), { cpu_pct: 5 }, -6 * 3_600_000);
  first.due(first.clock.wallMs() + 6 * 3_600_000);
  first.commit();
  first.crash();

  const second = start(rules, dataDir, first.clock);
  feed(second, second.source('pc-1'), [99]);
  second.due(second.clock.wallMs());
  second.commit();
  expect(second.told).toEqual(['firing cpu pc-1', 'firing half ']);
});

it('times that a clock gave out while it was ahead are not judged again after a restart either', () => {
  const dataDir = temporaryFolder();
  const aheadMs = 120_000;
  const first = start(AT_ONCE, dataDir);
  const before = first.source('pc-1', { clockOffsetMs: aheadMs });
  for (let i = 0; i < 20; i += 1) {
    first.clock.advance(slideMs);
    first.window(before, { cpu_pct: 50 }, -aheadMs);
  }
  first.commit();
  first.crash();

  const second = start(AT_ONCE, dataDir, first.clock);
  const source = second.source('pc-1');
  // 120 s of them, and what no window had shown: the lateness and a window. Then a window that begins later.
  feed(second, source, Array<number>(18).fill(99));
  expect(second.told).toEqual([]);
  feed(second, source, [99]);
  expect(second.told).toEqual(['firing cpu pc-1']);
});

it('what was not committed comes again', () => {
  const dataDir = temporaryFolder();
  const first = start(AT_ONCE, dataDir);
  const source = first.source('pc-1');
  first.commit();
  feed(first, source, [99]);
  first.crash();

  const second = start(AT_ONCE, dataDir, first.clock);
  second.window(second.source('pc-1'), { cpu_pct: 99 });
  second.commit();
  expect(second.stored()).toEqual(['firing cpu pc-1: cpu_pct.avg 99']);
});

it('what a window of the fleet raised is there: it was committed with the window', () => {
  const dataDir = temporaryFolder();
  const rules = AT_ONCE.replace('notifiers:', FLEET_RULE);
  const first = start(rules, dataDir);
  feed(first, first.source('pc-1'), [95]);
  first.due(first.clock.wallMs());
  first.commit();
  first.crash();

  const second = start(rules, dataDir, first.clock);
  expect(second.stored()).toEqual([
    'firing cpu pc-1: cpu_pct.avg 95',
    'firing half : cpu_pct.p50 95',
  ]);
  expect([...second.engine.active()].map(({ rule }) => rule)).toEqual(['cpu', 'half']);
  expect(second.notices().map(({ rule }) => rule)).toEqual(['cpu', 'half']);
});

it('the alerts of a rule that is gone are over', () => {
  const dataDir = temporaryFolder();
  const first = start(WAITING, dataDir);
  feed(first, first.source('pc-1'), [95, 96, 97]);
  feed(first, first.source('pc-2'), [95]);
  first.commit();
  first.crash();

  const second = start('notifiers: {}', dataDir, first.clock);
  second.commit();
  expect(second.stored().slice(-2)).toEqual([
    'resolved cpu pc-1: rule removed',
    'dropped cpu pc-2: rule removed',
  ]);
  // Who was told of the firing is told of the end, with the labels of then.
  expect(second.notices().at(-1)).toMatchObject({
    lane: 'night',
    status: 'resolved',
    labels: { team: 'room-1' },
  });
});
