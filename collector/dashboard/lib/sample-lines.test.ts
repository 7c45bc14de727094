import { expect, test } from 'vitest';
import type { Sample } from '../../../wire/records/sample.ts';
import { LINES, whyAbsent } from './sample-lines.ts';

const sample: Sample = {
  v: 1,
  server_id: 'a',
  ts: 1,
  boot_id: 'b',
  seq: 0,
  cpu_pct: 0,
  swap_used: 5,
  unavailable: { processes: 'EACCES /proc', net_in: 'first_reading' },
};

test('what was not measured adds no point, and a measured zero does', () => {
  const measured = LINES.filter(({ of }) => of(sample) !== undefined).map(({ name }) => name);
  expect(measured).toEqual(['cpu_pct', 'swap_used']);
});

test('a reason is found by its own name or its group', () => {
  expect(whyAbsent(sample, 'net_in')).toBe('net_in: first_reading');
  expect(whyAbsent(sample, 'processes.by_io')).toBe('processes: EACCES /proc');
  expect(whyAbsent(sample, 'constructor')).toBeUndefined();
  expect(whyAbsent(null, 'net_in')).toBeUndefined();
});
