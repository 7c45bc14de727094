import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { expect, test } from 'vitest';
import { Machine, readOnce } from '../testing/machine.ts';
import { KeptFile } from './kept-file.ts';
import { memorySource } from './memory.ts';
import { Scan } from './scan.ts';

function availableBytes(): number {
  const meminfo = readFileSync('/proc/meminfo', 'latin1');
  return 1024 * Number(/^MemAvailable: +(\d+)/m.exec(meminfo)?.[1]);
}

test('used memory is what is not available, in bytes of 1024 to the kB', () => {
  const machine = new Machine('server');
  expect(readOnce(memorySource(machine.file('meminfo')))).toEqual({
    unavailable: {},
    mem_total: 16_384_000 * 1024,
    mem_available: 12_288_000 * 1024,
    mem_used: 4_096_000 * 1024,
    mem_pct: 25,
    swap_total: 2_048_000 * 1024,
    swap_used: 512_000 * 1024,
  });
});

test('a kernel without MemAvailable has no used memory, not 0 and not free memory', () => {
  const machine = new Machine();
  machine.write(
    'proc/meminfo',
    'MemTotal: 1000 kB\nMemFree: 900 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n',
  );
  const draft = readOnce(memorySource(machine.file('meminfo')));
  const reason = 'no MemAvailable in /proc/meminfo (a kernel before 3.14)';
  expect(draft).toEqual({
    unavailable: { mem_pct: reason, mem_used: reason, mem_available: reason },
    mem_total: 1000 * 1024,
    swap_total: 0,
    swap_used: 0,
  });
});

test('an empty meminfo gives reasons for everything', () => {
  const machine = new Machine();
  machine.write('proc/meminfo', '');
  const source = memorySource(machine.file('meminfo'));
  const draft = readOnce(source);
  expect(Object.keys(draft.unavailable).sort()).toEqual([...source.metrics].sort());
});

test('lies between what the kernel says just before and just after, on this machine', () => {
  const source = memorySource(new KeptFile('/proc/meminfo', new Scan()));
  const before = availableBytes();
  const draft = readOnce(source);
  const after = availableBytes();
  source.close();
  // Others allocate between the three readings; 64 MiB is far below any mistake of unit or field.
  const slack = 64 * 1024 * 1024;
  expect(draft.mem_available).toBeGreaterThan(Math.min(before, after) - slack);
  expect(draft.mem_available).toBeLessThan(Math.max(before, after) + slack);
  expect(draft.mem_total).toBe(totalmem());
});
