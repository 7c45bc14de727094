import { mkdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startSleeper } from '../testing/children.ts';
import { Machine } from '../testing/machine.ts';
import { KeptFile } from './kept-file.ts';
import { Scan } from './scan.ts';

function textOf(scan: Scan): string {
  return scan.bytes.toString('latin1', 0, scan.length);
}

test('a file larger than the buffer is read whole, and a smaller one after it has no leftovers', () => {
  const machine = new Machine();
  const large = 'x'.repeat(100_000);
  machine.write('proc/stat', large);
  const file = machine.file('stat');
  expect(textOf(file.read())).toBe(large);
  machine.write('proc/stat', 'short');
  expect(textOf(file.read())).toBe('short');
});

test('a file that the kernel hands out in pages is read to its end', () => {
  const file = new KeptFile('/proc/self/smaps', new Scan());
  const text = textOf(file.read());
  file.close();
  expect(text.length).toBeGreaterThan(16 * 1024);
  expect(text).toMatch(/VmFlags:[^\n]*\n$/);
});

test('a descriptor that stopped reading is replaced by a new one', async () => {
  const machine = new Machine();
  mkdirSync(machine.procRoot);
  const [first, second] = [await startSleeper(), await startSleeper()];
  const path = join(machine.procRoot, 'stat');
  symlinkSync(`/proc/${first.pid}/stat`, path);
  const file = machine.file('stat');
  expect(file.read().number()).toBe(first.pid);
  await first.end();
  unlinkSync(path);
  symlinkSync(`/proc/${second.pid}/stat`, path);
  expect(file.read().number()).toBe(second.pid);
});

test('the reason names what failed and where, and the file is found when it appears', () => {
  const machine = new Machine();
  const file = machine.file('diskstats');
  expect(() => file.read()).toThrow(`ENOENT ${machine.procRoot}/diskstats`);
  machine.write('proc/diskstats', 'here');
  expect(textOf(file.read())).toBe('here');
});

test('a file without end stops at the bound instead of eating the memory', () => {
  const file = new KeptFile('/dev/zero', new Scan());
  expect(() => file.read()).toThrow('/dev/zero has more than 16777216 bytes');
});
