import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { Machine, readOnce, readTwice } from '../testing/machine.ts';
import type { DiskSource } from '../disk.ts';
import { diskSource, parseDiskstats } from './disk.ts';
import { KeptFile } from './kept-file.ts';
import { Scan } from './scan.ts';

function line(name: string, sectorsRead: number, sectorsWritten: number): string {
  return `   8       0 ${name} 1 0 ${sectorsRead} 1 1 0 ${sectorsWritten} 1 0 1 2\n`;
}

function sourceOf(machine: Machine): DiskSource {
  return diskSource(machine.file('diskstats'), machine.clock, machine);
}

/** Every device reads 4 sectors and writes 2 more than before. */
function grow(machine: Machine): void {
  const devices = parseDiskstats(machine.file('diskstats').read());
  const lines = devices.map(({ name, first, second }) => line(name, first + 4, second + 2));
  machine.write('proc/diskstats', lines.join(''));
}

test('whole disks count once: no partitions, RAID, mapper, loop, RAM, optical, floppy, paths', () => {
  const machine = new Machine('server');
  const draft = readTwice(sourceOf(machine), machine, () => grow(machine));
  expect(draft.disks).toEqual(
    ['sda', 'nvme0n1', 'vda', 'xvda', 'mmcblk0', 'cciss/c0d0'].map((name) => ({
      name,
      read: 2048,
      write: 1024,
    })),
  );
  expect(draft.disk_read).toBe(6 * 2048);
  expect(draft.disk_write).toBe(6 * 1024);
  expect(draft.disk_io).toBe(6 * 3072);
});

test('where no disk has a device, plain ones count and partitions do not', () => {
  const machine = new Machine();
  machine.write('sys/block/ubda/size', '1');
  machine.write('sys/block/dm-0/size', '1');
  machine.write('proc/diskstats', line('ubda', 0, 0) + line('ubda1', 0, 0) + line('dm-0', 0, 0));
  const draft = readTwice(sourceOf(machine), machine, () => grow(machine));
  expect(draft.disks).toEqual([{ name: 'ubda', read: 2048, write: 1024 }]);
});

test('a sandbox that hides /sys is read by names', () => {
  const machine = new Machine();
  const names = ['sda', 'sda1', 'nvme0n1', 'nvme0n1p2', 'mmcblk0', 'mmcblk0p1', 'xvdb15'];
  machine.write('proc/diskstats', names.map((name) => line(name, 0, 0)).join(''));
  const draft = readTwice(sourceOf(machine), machine, () => grow(machine));
  expect(draft.disks?.map(({ name }) => name)).toEqual(['sda', 'nvme0n1', 'mmcblk0']);
});

test('a machine without a disk has a reason and no zero', () => {
  const machine = new Machine();
  machine.write('proc/diskstats', line('loop0', 0, 0));
  const draft = readTwice(sourceOf(machine), machine, () => grow(machine));
  expect(draft.disk_io).toBeUndefined();
  expect(draft.unavailable['disk_io']).toBe('no disk of its own');
});

test("a 32-bit kernel's sector counter that wraps keeps its rate", () => {
  const machine = new Machine();
  machine.write('sys/block/sda/device/model', 'x');
  machine.write('proc/diskstats', line('sda', 2 ** 32 - 3, 0));
  const draft = readTwice(sourceOf(machine), machine, () => {
    machine.write('proc/diskstats', line('sda', 5, 0));
  });
  expect(draft.disk_read).toBe(8 * 512);
});

test('bytes written and synced to this machine’s disk show', () => {
  // Beside the code, as the temporary folder may be in memory.
  const folder = mkdtempSync(join(import.meta.dirname, '../../../node_modules/.windrow-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = new KeptFile('/proc/diskstats', new Scan());
  onTestFinished(() => file.close());
  const readAtMs: number[] = [];
  const clock = {
    wallMs: () => systemClock.wallMs(),
    monotonicMs: () => readAtMs[readAtMs.push(systemClock.monotonicMs()) - 1] ?? 0,
  };
  const source = diskSource(file, clock, { procRoot: '/proc', sysRoot: '/sys' });
  readOnce(source);
  const megabytes = 16;
  const descriptor = openSync(join(folder, 'written'), 'w');
  for (let n = 0; n < megabytes; n += 1) writeSync(descriptor, Buffer.alloc(1024 * 1024, n + 1));
  fsyncSync(descriptor);
  closeSync(descriptor);
  const draft = readOnce(source);
  const [fromMs = 0, toMs = 0] = readAtMs;
  const elapsedS = (toMs - fromMs) / 1000;
  const writtenBytes = (draft.disk_write ?? 0) * elapsedS;
  expect(writtenBytes).toBeGreaterThan(megabytes * 1024 * 1024 * 0.999);
  expect(draft.disks?.some(({ write }) => write === draft.disk_write)).toBe(true);
});
