import { spawnSync } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { topProcessesMax } from '../../wire/limits.ts';
import type { Measurements } from '../../wire/records/sample.ts';
import { sampleSchema } from '../../wire/records/sample.ts';
import { WIRE_VERSION } from '../../wire/version.ts';
import { createSampler, type Sampler, type SamplerOptions } from './sampler.ts';
import { Machine } from './testing/machine.ts';

const never = new AbortController().signal;

function samplerFor(options: SamplerOptions): Sampler {
  const sampler = createSampler(options);
  onTestFinished(() => sampler.close());
  return sampler;
}

function samplerOn(machine: Machine): Sampler {
  const { procRoot, sysRoot, clock } = machine;
  return samplerFor({ procRoot, sysRoot, clock, os: 'linux' });
}

/** As the agent sends it and the collector reads it: refused if it is not a sample. */
function overTheWire(measured: Measurements) {
  const identity = { v: WIRE_VERSION, server_id: 'pc', ts: 1, boot_id: 'b', seq: 0 };
  const sent = { ...identity, ...measured };
  const received: unknown = JSON.parse(JSON.stringify(sent));
  expect(received).toEqual(sent);
  return sampleSchema.strict().parse(received);
}

test('samples of this machine pass the wire, and from the second on nothing is missing', async () => {
  const sampler = samplerFor({});
  const first = overTheWire(sampler.sample());
  expect(first.cpu_pct).toBeUndefined();
  expect(first.unavailable?.['cpu_pct']).toBe('first_reading');
  await sampler.scanProcesses(never);
  const endMs = performance.now() + 100;
  while (performance.now() < endMs) Math.sqrt(endMs);
  await sampler.scanProcesses(never);
  const second = overTheWire(sampler.sample());
  expect(second.unavailable).toBeUndefined();
  expect(second.cpu_pct).toBeGreaterThan(0);
  expect(second.processes?.by_cpu.some(({ pid }) => pid === process.pid)).toBe(true);
  expect(second.disk_used_pct).toBeGreaterThan(0);
  expect(sampler.sample()).not.toHaveProperty('processes');
});

test('a sample of the server fixture passes the wire with the numbers of its files', () => {
  const machine = new Machine('server');
  const sampler = samplerOn(machine);
  sampler.sample();
  machine.clock.advance(1000);
  machine.write('proc/stat', 'cpu 1050 200 300 8050 400 50 50 100 600 150\n');
  const sample = overTheWire(sampler.sample());
  expect(sample).toMatchObject({ cpu_pct: 50, mem_pct: 25, net_in: 0, disk_io: 0, load5: 1.5 });
  expect(sample.nets?.length).toBe(10);
});

test('one file that cannot be read takes its own metrics and no others', () => {
  const machine = new Machine('server');
  machine.remove('proc/diskstats');
  const sampler = samplerOn(machine);
  sampler.sample();
  machine.clock.advance(1000);
  const sample = sampler.sample();
  const reason = `ENOENT ${machine.procRoot}/diskstats`;
  expect(sample.unavailable).toMatchObject({ disk_io: reason, disk_read: reason, disks: reason });
  expect(sample.net_in).toBe(0);
  expect(sample.mem_pct).toBe(25);
});

test('a machine where nothing can be read gives a sample of reasons', () => {
  const sample = samplerOn(new Machine()).sample();
  expect(Object.keys(sample)).toEqual(['unavailable']);
  expect(overTheWire(sample).unavailable).toHaveProperty('uptime_s');
});

test('a reason is never longer than the wire takes', () => {
  const machine = new Machine();
  const procRoot = `${machine.procRoot}/${'x'.repeat(230)}`;
  const sampler = samplerFor({ procRoot, sysRoot: machine.sysRoot, os: 'linux' });
  expect(overTheWire(sampler.sample()).unavailable?.['load1']?.length).toBe(200);
});

test('after a suspend all rates are missing for one interval, and levels stay', () => {
  const machine = new Machine('server');
  const sampler = samplerOn(machine);
  sampler.sample();
  machine.clock.advance(1000);
  machine.clock.sleep(3_600_000);
  const sample = sampler.sample();
  for (const metric of ['cpu_pct', 'net_in', 'disk_io']) {
    expect(sample.unavailable?.[metric]).toBe('suspended');
  }
  expect(sample.mem_pct).toBe(25);
  machine.clock.advance(1000);
  expect(sampler.sample().net_in).toBe(0);
});

test('a scan that fails is a reason in the next sample, once', async () => {
  const sampler = samplerOn(new Machine('container'));
  await sampler.scanProcesses(never);
  expect(sampler.sample().unavailable?.['processes']).toMatch(/^ENOENT .*meminfo$/);
  expect(sampler.sample().unavailable).not.toHaveProperty('processes');
});

test('a scan that was stopped says so and leaves nothing in the sample', async () => {
  const sampler = samplerFor({});
  const stopped = sampler.scanProcesses(AbortSignal.abort());
  await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  expect(sampler.sample().unavailable).not.toHaveProperty('processes');
});

test('closing twice is closing once', () => {
  const sampler = createSampler({});
  sampler.sample();
  sampler.close();
  expect(() => sampler.close()).not.toThrow();
});

test('an operating system without metrics is refused by name', () => {
  expect(() => createSampler({ os: 'aix' })).toThrow('metrics for aix are not here yet');
});

test.each([0, topProcessesMax + 1, 1.5])('%d rows of processes are refused', (topProcesses) => {
  expect(() => createSampler({ topProcesses })).toThrow(`topProcesses is ${topProcesses}`);
});

test('the agent loads no package for its metrics, least of all zod', () => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import(${JSON.stringify(new URL('./sampler.ts', import.meta.url).href)});
    await import(${JSON.stringify(new URL('./inventory.ts', import.meta.url).href)});
    console.log(loaded.join('\\n'));`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  expect(child.stdout).toContain('agent/metrics/linux/processes.ts');
  expect(child.stdout).not.toContain('node_modules');
  expect(child.stdout).not.toContain('records/');
});
