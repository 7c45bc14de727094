/** The rules that come with windrow: what each raises, after how long, and what it leaves alone. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { slideMs, startEngine, type Values } from './testing/engine-rig.ts';

const file = fileURLToPath(new URL('../../config/alerts.yaml', import.meta.url));
const minuteMs = 60_000;

/** @returns what rose, as `seconds kind rule`, with these values in every window of so many minutes */
function raisedBy(values: Values, minutes: number): string[] {
  const rig = startEngine(readFileSync(file, 'utf8'));
  const source = rig.source('pc-1');
  const startMs = rig.clock.wallMs() + slideMs;
  const raised: string[] = [];
  for (let told = 0; rig.clock.wallMs() < startMs + minutes * minuteMs; told = rig.told.length) {
    rig.clock.advance(slideMs);
    rig.window(source, values);
    const seconds = (rig.clock.wallMs() - startMs) / 1_000;
    for (const step of rig.told.slice(told)) raised.push(`${seconds} ${step}`);
  }
  return raised.filter((step) => !step.includes('pending'));
}

it.each([
  ['a busy CPU', { cpu_pct: 90.1 }, ['300 firing cpu-high pc-1']],
  ['little memory', { mem_pct: 92.1 }, ['300 firing memory-high pc-1']],
  ['a file system that fills', { disk_used_pct: 90.1 }, ['600 firing disk-filling pc-1']],
  [
    'a full file system',
    { disk_used_pct: 97.1 },
    ['60 firing disk-full pc-1', '600 firing disk-filling pc-1'],
  ],
  ['a machine well used', { cpu_pct: 90, mem_pct: 92, disk_used_pct: 90 }, []],
])('%s', (_, values, expected) => {
  expect(raisedBy(values, 11)).toEqual(expected);
});

it('a silent server', () => {
  const rig = startEngine(readFileSync(file, 'utf8'));
  rig.source('pc-1');
  for (let i = 0; i < 120; i += 1) {
    rig.clock.advance(1_000);
    rig.engine.tick();
  }
  expect(rig.told).toEqual([]);
  for (let i = 0; i < 10; i += 1) {
    rig.clock.advance(1_000);
    rig.engine.tick();
  }
  expect(rig.told).toEqual(['firing server-silent pc-1']);
});
