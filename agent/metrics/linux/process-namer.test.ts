import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import type { ProcessRow } from '../../../wire/records/sample.ts';
import { startCommand } from '../testing/children.ts';
import { Machine } from '../testing/machine.ts';
import { namesMax, ProcessNamer } from './process-namer.ts';
import { ProcessScanner } from './processes.ts';

function rowOf(pid: number, comm: string): ProcessRow {
  return { pid, name: comm, cpu_pct: 0, mem_pct: 0, rss: 0 };
}

/** Processes that are told who they are; their command lines are files. */
class Naming extends Machine {
  startTicks = 1;
  /** What /proc/PID/stat says when it is asked again; undefined: what the row said. */
  commNow: string | undefined;
  readonly namer = new ProcessNamer(this.procRoot, {
    startTicksOf: () => this.startTicks,
    commOf: () => this.commNow ?? 'node',
  });

  async nameOf(pid: number, comm = 'node'): Promise<string> {
    const row = rowOf(pid, comm);
    await this.namer.name([row]);
    return row.name;
  }
}

describe('a command line', () => {
  test('is read once for a process', async () => {
    const machine = new Naming();
    machine.write('proc/1/cmdline', 'node\0a.js\0');
    expect(await machine.nameOf(1)).toBe('node a.js');
    machine.write('proc/1/cmdline', 'node\0b.js\0');
    expect(await machine.nameOf(1)).toBe('node a.js');
  });

  test('is read again after an exec and for the next process of the pid', async () => {
    const machine = new Naming();
    machine.write('proc/1/cmdline', 'node\0a.js\0');
    await machine.nameOf(1);
    machine.commNow = 'sh';
    machine.write('proc/1/cmdline', 'sh\0b.sh\0');
    expect(await machine.nameOf(1, 'sh')).toBe('sh b.sh');
    machine.startTicks = 2;
    machine.write('proc/1/cmdline', 'sh\0c.sh\0');
    expect(await machine.nameOf(1, 'sh')).toBe('sh c.sh');
  });

  test('of another process, which got the pid meanwhile, names nobody', async () => {
    const machine = new Naming();
    machine.commNow = 'sh';
    machine.write('proc/1/cmdline', 'node\0a.js\0');
    expect(await machine.nameOf(1)).toBe('node');
    machine.commNow = 'node';
    expect(await machine.nameOf(1)).toBe('node a.js');
  });

  test('that is absent or empty leaves comm, made harmless', async () => {
    const machine = new Naming();
    expect(await machine.nameOf(1, 'a\u0007')).toBe('a\uFFFD');
    machine.write('proc/1/cmdline', '');
    expect(await machine.nameOf(1)).toBe('node');
  });

  test('is read up to 4 KiB', async () => {
    const machine = new Naming();
    machine.write('proc/1/cmdline', `node\0--title=${'x'.repeat(4096)}\0a.js\0`);
    expect(await machine.nameOf(1)).toBe('node');
  });

  test('is forgotten when many others came since', async () => {
    const machine = new Naming();
    const rows = Array.from({ length: namesMax + 1 }, (_, pid) => rowOf(pid, 'node'));
    for (const { pid } of rows) machine.write(`proc/${pid}/cmdline`, 'node\0a.js\0');
    for (const { pid } of rows) await machine.nameOf(pid);
    machine.write('proc/0/cmdline', 'node\0b.js\0');
    machine.write(`proc/${namesMax}/cmdline`, 'node\0b.js\0');
    expect(await machine.nameOf(namesMax)).toBe('node a.js');
    expect(await machine.nameOf(0)).toBe('node b.js');
  });
});

test('a read that hangs delays no scan for long, and what it gives later is used later', async () => {
  const machine = new Naming();
  mkdirSync(join(machine.procRoot, '1'), { recursive: true });
  machine.write('proc/2/cmdline', 'node\0b.js\0');
  const fifo = join(machine.procRoot, '1/cmdline');
  // Opening a FIFO waits for a writer, as reading waits for a lock.
  execFileSync('mkfifo', [fifo]);
  const rows = [rowOf(1, 'node'), rowOf(2, 'node')];
  await machine.namer.name(rows);
  expect(rows.map(({ name }) => name)).toEqual(['node', 'node']);
  expect(await machine.nameOf(2)).toBe('node');
  writeFileSync(fifo, '');
  await expect.poll(() => machine.nameOf(2)).toBe('node b.js');
  expect(rows[1]?.name).toBe('node');
});

describe('on this machine', () => {
  test('children are named by what they run', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'windrow-names-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const put = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o755 });
      return join(folder, name);
    };
    const script = put('shop-server.js', 'setInterval(() => {}, 1000);');
    // They stop themselves: a child they wait for would outlive them.
    const shellScript = put('nightly.sh', 'kill -STOP $$\n');
    const executable = put('a-rather-long-script-name', '#!/bin/sh\nkill -STOP $$\n');
    const binary = join(folder, 'a-rather-long-binary-name');
    copyFileSync(process.execPath, binary);
    const wait = 'setTimeout(() => {}, 60000);';
    const names = new Map([
      [await startCommand(process.execPath, [script, 'secret']), 'node shop-server.js'],
      [await startCommand(process.execPath, ['-e', `${wait}//secret`]), 'node'],
      [await startCommand('sh', ['-e', shellScript, 'secret']), 'sh nightly.sh'],
      [await startCommand(executable, ['secret']), 'a-rather-long-script-name'],
      [await startCommand(binary, ['-e', wait]), 'a-rather-long-binary-name'],
    ]);
    const scanner = new ProcessScanner({ procRoot: '/proc', clock: systemClock, topCount: 1000 });
    onTestFinished(() => scanner.close());
    const seen = async () => {
      const { processes } = await scanner.scan(new AbortController().signal);
      return [...names.keys()].map(
        ({ pid }) => processes?.by_mem.find((row) => row.pid === pid)?.name,
      );
    };
    // Until Node names its main thread, its process has the name of its file.
    await expect.poll(seen, { timeout: 10_000 }).toEqual([...names.values()]);
  });
});
