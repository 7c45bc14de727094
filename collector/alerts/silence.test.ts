import { expect, it } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { feed, hear, pass, startEngine as start } from './testing/engine-rig.ts';

const SILENCE = `
rules:
  - { name: silent, about: Nothing is heard., silent: 2m, severity: critical }
notifiers:
  ops: { type: command, command: [notify] }
`;

it('is told after its time and over when something is heard', () => {
  const rig = start(SILENCE);
  const source = rig.source('pc-1');
  pass(rig, 119);
  expect(rig.told).toEqual([]);
  pass(rig, 11);
  expect(rig.told).toEqual(['firing silent pc-1']);
  pass(rig, 600);
  hear(rig, source);
  pass(rig, 10);
  rig.commit();
  expect(rig.stored()).toEqual([
    'firing silent pc-1: not heard for 2m',
    'resolved silent pc-1: heard again',
  ]);
});

it('of a room that was cut off at once is told at once', () => {
  const rig = start(SILENCE);
  for (let i = 0; i < 20; i += 1) {
    // Their last samples came within a second of each other.
    rig.source(`pc-${i}`).lastSeenMonotonicMs += i * 50;
  }
  pass(rig, 140);
  rig.commit();
  expect(new Set(rig.notices().map(({ enqueuedMs }) => enqueuedMs)).size).toBe(1);
  expect(rig.notices()).toHaveLength(20);
});

it.each([
  ['said goodbye', { off: true }],
  ['was taken out', { decommissioned: true }],
  ['is a replayed file', { replayId: 'f'.repeat(64) }],
  ['was never heard', { lastSeenMs: 0 }],
])('is nothing where a server %s', (_, changes) => {
  const rig = start(SILENCE);
  rig.source('pc-1', changes);
  pass(rig, 600);
  expect(rig.told).toEqual([]);
});

it('counts anew from a restart, and nothing is over before something is heard', () => {
  const dataDir = temporaryFolder();
  const first = start(SILENCE, dataDir);
  first.source('pc-1');
  pass(first, 140);
  first.commit();
  first.crash();

  const { clock } = first;
  const second = start(SILENCE, dataDir, clock);
  const sources = [second.source('pc-1'), second.source('pc-2')];
  pass(second, 110);
  expect(second.told).toEqual([]);
  pass(second, 20);
  expect(second.told).toEqual(['firing silent pc-2']);
  for (const source of sources) hear(second, source);
  pass(second, 10);
  expect(second.told.slice(1)).toEqual(['resolved silent pc-1', 'resolved silent pc-2']);
});

it('is nothing while the collector itself could hear nobody, and counts anew from then on', () => {
  const rig = start(SILENCE);
  const sources = [rig.source('pc-1'), rig.source('pc-2')];
  pass(rig, 60);
  // A full disk: what is sent is refused.
  rig.hear(false);
  pass(rig, 300);
  rig.hear(true);
  pass(rig, 110);
  expect(rig.told).toEqual([]);
  hear(rig, sources[0]!);
  pass(rig, 20);
  expect(rig.told).toEqual(['firing silent pc-2']);
});

it('is nothing of an agent that waits for its next try, also where the rule waits less', () => {
  const rig = start(SILENCE.replace('2m', '10s'));
  const [back, gone] = [rig.source('pc-1'), rig.source('pc-2')];
  hear(rig, back);
  hear(rig, gone);
  // Brokers that were away, which agents find out by and by.
  rig.hear(false);
  pass(rig, 60);
  rig.hear(true);
  pass(rig, 74);
  expect(rig.told).toEqual([]);
  hear(rig, back);
  pass(rig, 9);
  expect(rig.told).toEqual(['firing silent pc-2']);
  // Who is heard again has no longer than the rule says.
  pass(rig, 11);
  expect(rig.told).toEqual(['firing silent pc-2', 'firing silent pc-1']);
});

it('is nothing when the collector itself stood still', () => {
  const rig = start(SILENCE);
  rig.source('pc-1');
  pass(rig, 60);
  rig.clock.advance(180_000);
  pass(rig, 110);
  expect(rig.told).toEqual([]);
  pass(rig, 20);
  expect(rig.told).toEqual(['firing silent pc-1']);
});

it.each([
  ['an hour', 3_600_000, []],
  ['a short while', 3_590_000, ['firing silent pc-1']],
])('of whom the collector did not hear for %s before its start', (_, agoMs, told) => {
  const rig = start(SILENCE);
  const source = rig.source('pc-1');
  source.lastSeenMs -= agoMs;
  pass(rig, 600);
  expect(rig.told).toEqual(told);
  // Once heard it is expected, also when the clock was wrong at the start.
  rig.clock.setWall(noonMs - 86_400_000);
  hear(rig, source);
  pass(rig, 200);
  expect(rig.told.at(-1)).toBe('firing silent pc-1');
});

it('leaves other alerts of that server as they are', () => {
  const rules = SILENCE.replace(
    'notifiers:',
    '  - { name: cpu, about: x, when: cpu_pct.avg > 90, severity: info }\nnotifiers:',
  );
  const rig = start(rules);
  const source = rig.source('pc-1');
  feed(rig, source, [99]);
  pass(rig, 200);
  expect([...rig.engine.active()].map(({ rule, kind }) => `${rule} ${kind}`)).toEqual([
    'cpu firing',
    'silent firing',
  ]);
});

it('is measured by the clock that does not jump', () => {
  const rig = start(SILENCE);
  rig.source('pc-1');
  rig.clock.setWall(noonMs + 86_400_000);
  pass(rig, 20);
  expect(rig.told).toEqual([]);
});
