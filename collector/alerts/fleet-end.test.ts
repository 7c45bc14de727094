import { expect, it } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import type { EndReason } from '../ingest/alerting.ts';
import type { Source } from '../ingest/source.ts';
import { type EngineRig, hear, pass, startEngine as start } from './testing/engine-rig.ts';

const RULES = `
rules:
  - { name: busy, about: The fleet is busy., of: fleet, when: cpu_pct.avg > 90, severity: info }
notifiers:
  ops: { type: command, command: [notify] }
`;

/** Windows of all of them, and the fleet's, in one commit. */
function breach(rig: EngineRig, sources: readonly Source[]): void {
  for (const source of sources) rig.window(source, { cpu_pct: 99 });
  rig.due(rig.clock.wallMs());
  rig.commit();
}

function end(rig: EngineRig, source: Source, reason: EndReason = 'said goodbye'): void {
  if (reason === 'decommissioned') source.decommissioned = true;
  else source.off = true;
  rig.engine.ended(source, reason);
}

/** Two servers, and an alert of the fleet that fires. */
function fixture() {
  const rig = start(RULES);
  const [a, b] = [rig.source('a'), rig.source('b')];
  breach(rig, [a, b]);
  expect(rig.told).toEqual(['firing busy ']);
  return { rig, a, b };
}

it('the last goodbye ends the alerts of the fleet, and no other does', () => {
  const { rig, a, b } = fixture();
  end(rig, a);
  expect(rig.told).toEqual(['firing busy ']);
  end(rig, b);
  rig.commit();
  expect(rig.stored().at(-1)).toBe('resolved busy : no server is left');
  expect(rig.notices().map(({ rule, status }) => `${rule} ${status}`)).toEqual([
    'busy firing',
    'busy resolved',
  ]);
});

it('what the last goodbye closes raises nothing, and neither does it for one that comes back', () => {
  const { rig, a, b } = fixture();
  rig.clock.advance(10_000);
  for (const source of [a, b]) rig.window(source, { cpu_pct: 99 });
  end(rig, a);
  end(rig, b);
  const endMs = rig.clock.wallMs();
  rig.due(endMs);
  rig.commit();
  expect(rig.told).toEqual(['firing busy ', 'resolved busy ']);
  a.off = false;
  rig.clock.advance(1_000);
  hear(rig, a);
  rig.due(endMs);
  rig.commit();
  expect(rig.told).toEqual(['firing busy ', 'resolved busy ']);
  rig.clock.advance(9_000);
  breach(rig, [a]);
  expect(rig.told.at(-1)).toBe('firing busy ');
});

it('a first breach that the last goodbye closes raises nothing either', () => {
  const rig = start(RULES);
  const source = rig.source('a');
  rig.window(source, { cpu_pct: 99 });
  end(rig, source);
  rig.due(rig.clock.wallMs());
  rig.commit();
  expect(rig.told).toEqual([]);
});

it('a server that fell silent before holds it up until it is known to be silent', () => {
  const { rig, a, b } = fixture();
  pass(rig, 60);
  hear(rig, b);
  end(rig, b);
  expect(rig.told).toEqual(['firing busy ']);
  pass(rig, 50);
  expect(rig.told).toEqual(['firing busy ']);
  pass(rig, 20);
  expect(rig.told).toEqual(['firing busy ', 'resolved busy ']);
  expect(a.off).toBe(false);
});

it('nothing is over when all fall silent at once, also where others had been switched off', () => {
  const { rig, a, b } = fixture();
  end(rig, a);
  pass(rig, 10);
  hear(rig, b);
  pass(rig, 600);
  expect(rig.told).toEqual(['firing busy ']);
  end(rig, b, 'decommissioned');
  expect(rig.told).toEqual(['firing busy ', 'resolved busy ']);
});

it('one that an earlier run left open is over soon after the start', () => {
  const dataDir = temporaryFolder();
  const first = start(RULES, dataDir);
  const before = first.source('a');
  breach(first, [before]);
  first.crash();

  const second = start(RULES, dataDir, first.clock);
  second.source('a', { off: true });
  pass(second, 10);
  expect(second.told).toEqual(['resolved busy ']);
});

it('nothing is over while nobody can be heard, also of the servers of other collectors', () => {
  const rig = start(RULES);
  const [a, b] = [rig.source('a'), rig.source('b', { isOurs: false })];
  breach(rig, [a, b]);
  pass(rig, 5);
  hear(rig, a);
  end(rig, a);
  rig.hear(false);
  pass(rig, 600);
  end(rig, a);
  expect(rig.told).toEqual(['firing busy ']);
  rig.hear(true);
  pass(rig, 10);
  hear(rig, b);
  pass(rig, 60);
  expect(rig.told).toEqual(['firing busy ']);
  // It has fallen silent without a word, and was heard last: nothing is known.
  pass(rig, 600);
  expect(rig.told).toEqual(['firing busy ']);
});

it('who fell silent elsewhere before an outage is known to be silent after it', () => {
  const rig = start(RULES);
  const [a, b] = [rig.source('a'), rig.source('b', { isOurs: false })];
  breach(rig, [a, b]);
  pass(rig, 5);
  hear(rig, a);
  end(rig, a);
  rig.hear(false);
  pass(rig, 300);
  rig.hear(true);
  pass(rig, 110);
  expect(rig.told).toEqual(['firing busy ']);
  pass(rig, 20);
  expect(rig.told).toEqual(['firing busy ', 'resolved busy ']);
});

it('a server whose clock is off holds it up no longer than windows of the fleet were made of it', () => {
  const { rig, a, b } = fixture();
  a.clockOffsetMs = 60_000;
  end(rig, b);
  for (let i = 0; i < 11; i += 1) {
    pass(rig, 10);
    hear(rig, a);
  }
  expect(rig.told).toEqual(['firing busy ']);
  pass(rig, 20);
  expect(rig.told).toEqual(['firing busy ', 'resolved busy ']);
});

it('nothing is over while the clock of the collector is off, and so those of all servers', () => {
  const { rig, a, b } = fixture();
  rig.setOwnClockOff(true);
  for (const source of [a, b]) source.clockOffsetMs = 60_000;
  for (let i = 0; i < 30; i += 1) {
    pass(rig, 10);
    for (const source of [a, b]) hear(rig, source);
  }
  expect(rig.told).toEqual(['firing busy ']);
  end(rig, a);
  end(rig, b);
  expect(rig.told).toEqual(['firing busy ', 'resolved busy ']);
});

it('who was heard last is known also when the clock of the collector was set back', () => {
  const { rig, a, b } = fixture();
  end(rig, b, 'decommissioned');
  rig.clock.setWall(rig.clock.wallMs() - 3_600_000);
  pass(rig, 10);
  hear(rig, a);
  pass(rig, 600);
  // It fell silent without a word, after the other.
  expect(rig.told).toEqual(['firing busy ']);
  pass(rig, 10);
  end(rig, a);
  expect(rig.told).toEqual(['firing busy ', 'resolved busy ']);
});
