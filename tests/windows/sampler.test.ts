import { expect, it } from 'vitest';
import type { Measurements } from '../../wire/records/sample.ts';
import { expectSamples } from '../contract/sampler.ts';
import { wineMissing } from './support/install.ts';
import { Wine } from './support/wine.ts';

it.skipIf(wineMissing)(
  'on Windows every metric is there or says why not, with its unit and its meaning',
  async () => {
    await using wine = await Wine.start();
    const script = new URL('./support/measure-machine.ts', import.meta.url);
    const { code, output } = await wine.script(script);
    expect(code, output).toBe(0);
    const [first, second] = JSON.parse(output) as [Measurements, Measurements];
    expectSamples(first, second, ['cpu_pct', 'mem_pct', 'net_in', 'fs', 'disk_used_pct', 'nets']);
    // What Wine itself does not have; Windows does.
    expect(second.unavailable?.['disk_io']).toMatch(/^PDH: error 0x/);
    expect(second.unavailable?.['swap_used']).toMatch(/^EnumPageFiles: error /);
    expect(second.unavailable?.['load1']).toBe('this system does not count it');
    expect(second.unavailable?.['cpu.iowait']).toBe('this system does not count it');
    const own = second.processes?.by_mem.find(({ name }) => name === 'node.exe');
    expect(own?.rss).toBeGreaterThan(20 * 1024 * 1024);
  },
);
