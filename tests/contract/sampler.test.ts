import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import type { Measurements } from '../../wire/records/sample.ts';
import { expectSamples } from './sampler.ts';

it('on Linux every metric is there or says why not, with its unit and its meaning', () => {
  const script = new URL('../windows/support/measure-machine.ts', import.meta.url);
  const output = execFileSync(process.execPath, [script.pathname], { encoding: 'utf8' });
  const [first, second] = JSON.parse(output) as [Measurements, Measurements];
  expectSamples(first, second, ['cpu_pct', 'load1', 'swap_used', 'net_in', 'disk_io', 'fs']);
  expect(second.unavailable).toBeUndefined();
});
