import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { disksMax } from '../../wire/limits.ts';
import { inventoryFactsSchema } from '../../wire/records/inventory.ts';
import { factsFrom, type Told } from './inventory-facts.ts';
import { readInventory } from './inventory.ts';
import { Machine } from './testing/machine.ts';

const never = new AbortController().signal;
const nothing: Told = {
  os: undefined,
  system: undefined,
  cpu: undefined,
  layout: undefined,
  blocks: undefined,
  interfaces: undefined,
};

/** A child that writes its pid to a file and then does what `script` says. */
function childThat(script: string) {
  const machine = new Machine();
  const pidFile = join(machine.root, 'pid');
  const file = join(machine.root, 'child.mjs');
  const writePid = `fs.writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));`;
  writeFileSync(file, `import fs from 'node:fs';\n${writePid}\n${script}`);
  const isGone = () => !existsSync(`/proc/${readFileSync(pidFile, 'utf8')}/fd/0`);
  return { command: { file: process.execPath, args: [file] }, pidFile, isGone };
}

describe('readInventory', () => {
  test('tells what this machine is, within the schema', async () => {
    const facts = inventoryFactsSchema.strict().parse(await readInventory({ signal: never }));
    expect(facts.hostname).toBe(hostname());
    expect(facts.mem_total).toBe(totalmem());
    expect(facts.cpu_cores).toBeGreaterThan(0);
    expect(facts.interfaces.map(({ name }) => name)).not.toContain('lo');
  });

  test('a child that hangs is ended after the time-out', async () => {
    const { command, isGone, pidFile } = childThat('setInterval(() => {}, 1000);');
    const reading = readInventory({ signal: never, command, timeoutMs: 400 });
    await expect(reading).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining('took longer than 400 ms'),
    });
    expect(existsSync(pidFile)).toBe(true);
    await vi.waitFor(() => expect(isGone()).toBe(true));
  });

  test('a child is ended when the caller gives up', async () => {
    const { command, isGone, pidFile } = childThat('setInterval(() => {}, 1000);');
    const controller = new AbortController();
    const reading = readInventory({ signal: controller.signal, command });
    const refused = expect(reading).rejects.toMatchObject({ code: 'aborted' });
    await vi.waitFor(() => expect(readFileSync(pidFile, 'utf8')).not.toBe(''));
    controller.abort();
    await refused;
    await vi.waitFor(() => expect(isGone()).toBe(true));
  });

  test('nothing is started for a caller that has given up already', async () => {
    const { command, pidFile } = childThat('');
    const reading = readInventory({ signal: AbortSignal.abort(), command });
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
    expect(existsSync(pidFile)).toBe(false);
  });

  test.each([
    ['is not JSON', 'process.stdout.write("oops");', 'not JSON'],
    ['is JSON of something else', 'process.stdout.write("[1]");', 'not an inventory'],
    ['is empty', '', 'not JSON'],
    ['never ends', 'for (;;) fs.writeSync(1, "x".repeat(65536));', 'more than 262144 bytes'],
    ['is a failure', 'console.error("no such luck"); process.exitCode = 1;', 'no such luck'],
  ])('an answer that %s is refused', async (_, script, message) => {
    const { command, isGone } = childThat(script);
    const reading = readInventory({ signal: never, command });
    await expect(reading).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining(message),
    });
    await vi.waitFor(() => expect(isGone()).toBe(true));
  });
});

describe('factsFrom', () => {
  test('a machine that tells nothing still has an inventory, of empty names', () => {
    expect(inventoryFactsSchema.parse(factsFrom(nothing))).toMatchObject({
      os: '',
      kernel: '',
      cpu_model: '',
      disks: [],
      interfaces: [],
    });
  });

  test('placeholders are no names', () => {
    const facts = factsFrom({
      ...nothing,
      os: { distro: 'unknown', release: '12', kernel: '6.1' },
      system: { manufacturer: '-', model: 'To Be Filled By O.E.M.', virtual: false },
      cpu: { manufacturer: 'Intel', brand: 'Core i7', cores: 8, physicalCores: 4 },
    });
    expect(facts.os).toBe('12');
    expect(facts).not.toHaveProperty('model');
    expect(facts).not.toHaveProperty('virtual');
    expect(facts.cpu_model).toBe('Intel Core i7');
  });

  test("disks are the layout's, and those that it leaves out, bounded", () => {
    const many = Array.from({ length: disksMax }, (_, n) => ({
      name: `vd${n}`,
      type: 'disk',
      size: 1,
    }));
    const { disks } = factsFrom({
      ...nothing,
      layout: [{ device: '/dev/sda', name: 'Model X', type: 'SSD', size: 100 }],
      blocks: [
        { name: 'sda', type: 'disk', size: 100 },
        { name: 'sda1', type: 'part', size: 50 },
        { name: 'vda', type: 'disk', size: 7, model: '' },
        ...many,
      ],
    });
    expect(disks.slice(0, 2)).toEqual([
      { name: 'sda', model: 'Model X', type: 'SSD', size: 100 },
      { name: 'vda', model: '', type: '', size: 7 },
    ]);
    expect(disks.length).toBe(disksMax);
  });

  test('interfaces are those to the outside, with a speed only where one is known', () => {
    const { interfaces } = factsFrom({
      ...nothing,
      interfaces: [
        { iface: 'lo', internal: true },
        { iface: 'eth0', ip4: '10.0.0.1', ip6: '', mac: 'aa', speed: 1000 },
        { iface: 'eth1', ip4: '', ip6: '', mac: 'bb', speed: -1 },
      ],
    });
    expect(interfaces).toEqual([
      { name: 'eth0', ip4: '10.0.0.1', ip6: '', mac: 'aa', speed_mbit: 1000 },
      { name: 'eth1', ip4: '', ip6: '', mac: 'bb' },
    ]);
  });
});
