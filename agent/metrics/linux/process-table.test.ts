import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { type Child, startCommand, startSleeper } from '../testing/children.ts';
import { Machine } from '../testing/machine.ts';
import { keptDescriptorsMax } from './process-file.ts';
import type { Look, Observation } from '../process-reading.ts';
import { memoryLookEvery, ProcessTable } from './process-table.ts';

/** What the files of a process say. */
interface Fake {
  ticks: number;
  pages: number;
  readBytes: number;
  threads: number;
  name: string;
  /** First number of schedstat; undefined: there is no such file. */
  ranNs: number | undefined;
}

/** Processes that are files, looked at every 5 s, 5 of them unless told otherwise. */
class Table extends Machine {
  readonly table = new ProcessTable(this.clock, this.procRoot);

  constructor() {
    super();
    onTestFinished(() => this.table.close());
  }

  /** @returns a process that slept through two looks, so that nothing of it needs to be read */
  sleeper(pid: number, change: Partial<Fake> = {}): Fake {
    const fake = { ticks: 100, pages: 10, readBytes: 0, threads: 1, name: 'a', ranNs: 1e9 };
    const process: Fake = { ...fake, ...change };
    this.put(pid, process);
    this.look(pid);
    this.look(pid);
    return process;
  }

  put(pid: number, { ticks, pages, readBytes, threads, name, ranNs }: Fake): void {
    const fields = `S 1 1 1 0 -1 0 0 0 0 0 ${ticks} 0 0 0 20 0 ${threads} 0 7 0 ${pages} 0`;
    this.write(`proc/${pid}/stat`, `${pid} (${name}) ${fields}\n`);
    this.write(`proc/${pid}/io`, `read_bytes: ${readBytes}\nwrite_bytes: 0\n`);
    if (ranNs !== undefined) this.write(`proc/${pid}/schedstat`, `${ranNs} 12345 678\n`);
  }

  look(...pids: number[]): Look {
    this.clock.advance(5_000);
    this.table.begin(Number.NaN);
    const looks = pids.map((pid) => this.table.look(pid));
    this.table.end();
    return looks[0] ?? 'gone';
  }
}

describe('a process that was not on a CPU', () => {
  test('is not read again, and has used nothing', () => {
    const machine = new Table();
    // Not its turn to have its memory read, and its files are not what they were.
    const process = machine.sleeper(1);
    machine.put(1, { ...process, ticks: 900, readBytes: 5e6, pages: 99, name: 'b' });
    expect(machine.look(1)).toEqual({
      cpuPct: 0,
      residentPages: 10,
      io: { readBytes: 0, writeBytes: 0 },
      comm: 'a',
    });
  });

  test('is seen when it works again, and by what it did since the look before', () => {
    const machine = new Table();
    const process = machine.sleeper(1);
    for (let n = 0; n < 5; n += 1) machine.look(1);
    machine.put(1, { ...process, ticks: 350, readBytes: 5e6, name: 'b', ranNs: 3.5e9 });
    expect(machine.look(1)).toMatchObject({ cpuPct: 50, io: { readBytes: 1e6 }, comm: 'b' });
    expect(machine.look(1)).toMatchObject({ cpuPct: 0, io: { readBytes: 0 }, comm: 'b' });
  });

  test('has its memory read now and then, as many in each look', () => {
    const machine = new Table();
    const pids = Array.from({ length: 3 * memoryLookEvery }, (_, at) => at + 1);
    const processes = new Map(pids.map((pid) => [pid, machine.sleeper(pid)]));
    machine.look(...pids);
    machine.look(...pids);
    for (const [pid, process] of processes) machine.put(pid, { ...process, pages: 99 });
    const seen = new Set<number>();
    for (let n = 1; n <= memoryLookEvery; n += 1) {
      machine.clock.advance(5_000);
      machine.table.begin(Number.NaN);
      const pages = (pid: number) => (machine.table.look(pid) as Observation).residentPages;
      for (const pid of pids.filter((each) => pages(each) === 99)) seen.add(pid);
      machine.table.end();
      expect(seen.size).toBe(3 * n);
    }
  });

  test('has no rates for the time that the machine slept', () => {
    const machine = new Table();
    machine.sleeper(1);
    machine.clock.sleep(60_000);
    expect(machine.look(1)).toMatchObject({ cpuPct: 'suspended', io: 'suspended' });
    expect(machine.look(1)).toMatchObject({ cpuPct: 0, io: { readBytes: 0 } });
  });
});

describe('is read at each look', () => {
  test.each<[string, Partial<Fake>]>([
    ['what has several threads: the others may run', { threads: 2 }],
    ['what the kernel does not count the time of', { ranNs: 0 }],
    ['where the kernel has no schedstat', { ranNs: undefined }],
  ])('%s', (_, change) => {
    const machine = new Table();
    const process = machine.sleeper(1, change);
    machine.put(1, { ...process, ticks: 600, readBytes: 5e6, pages: 99 });
    const seen = { cpuPct: 100, io: { readBytes: 1e6 }, residentPages: 99 };
    expect(machine.look(1)).toMatchObject(seen);
  });

  test('what has started a thread, until it has one again', () => {
    const machine = new Table();
    const process = machine.sleeper(1);
    machine.put(1, { ...process, threads: 2, ranNs: 2e9 });
    machine.look(1);
    machine.put(1, { ...process, threads: 2, ranNs: 2e9, ticks: 600 });
    expect(machine.look(1)).toMatchObject({ cpuPct: 100 });
    // The last work of the other thread, of which the first one's time says nothing.
    machine.put(1, { ...process, threads: 1, ranNs: 2e9, ticks: 1100 });
    expect(machine.look(1)).toMatchObject({ cpuPct: 100 });
    machine.put(1, { ...process, ranNs: 2e9, ticks: 1350 });
    expect(machine.look(1)).toMatchObject({ cpuPct: 50 });
    machine.put(1, { ...process, ranNs: 2e9, ticks: 9999 });
    expect(machine.look(1)).toMatchObject({ cpuPct: 0 });
  });
});

describe('descriptors', () => {
  test('a sleeping process keeps one, a busy one three, and one with threads two', () => {
    const machine = new Table();
    const process = machine.sleeper(1);
    expect(machine.table.openDescriptors).toBe(1);
    machine.put(1, { ...process, ranNs: 2e9 });
    machine.look(1);
    expect(machine.table.openDescriptors).toBe(3);
    machine.put(1, { ...process, ranNs: 3e9, threads: 2 });
    machine.look(1);
    expect(machine.table.openDescriptors).toBe(2);
  });

  test('that a process needs no longer, because it sleeps again, are given back', () => {
    const machine = new Table();
    machine.put(1, { ...machine.sleeper(1), ranNs: 2e9 });
    machine.look(1);
    for (let n = 0; n < memoryLookEvery; n += 1) machine.look(1);
    expect(machine.table.openDescriptors).toBe(1);
  });

  test('are not more than may be, and who has none is read at each look', () => {
    const machine = new Table();
    const pids = Array.from({ length: keptDescriptorsMax + 1 }, (_, at) => at + 1);
    const fake = { pages: 10, readBytes: 0, threads: 1, name: 'a', ranNs: 1e9 };
    for (const pid of pids) machine.put(pid, { ...fake, ticks: 100 });
    machine.look(...pids);
    machine.look(...pids);
    for (const pid of pids) machine.put(pid, { ...fake, ticks: 600 });
    expect(machine.look(...pids)).toMatchObject({ cpuPct: 0 });
    expect(machine.table.openDescriptors).toBe(keptDescriptorsMax);
    machine.clock.advance(5_000);
    for (const pid of pids) machine.put(pid, { ...fake, ticks: 1600 });
    machine.table.begin(Number.NaN);
    expect(machine.table.look(keptDescriptorsMax + 1)).toMatchObject({ cpuPct: 200 });
  });
});

const tmpfsType = 0x01021994;
const isInMemory = statfsSync(tmpdir()).type === tmpfsType;
const lastPid = '/proc/sys/kernel/ns_last_pid';

describe('on this machine', () => {
  // A file system in memory writes nothing to storage.
  test.skipIf(isInMemory)('what works seldom is not missed, to the byte and the tick', async () => {
    const file = join(temporaryFolder(), 'written');
    const script =
      'while read go; do printf %9000s x >>"$0"; i=0; while [ $i -lt 99999 ]; do i=$((i+1)); done; done';
    const child = spawn('sh', ['-c', script, file], { stdio: ['pipe', 'ignore', 'ignore'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child, 'spawn');
    const table = tableOf();
    const pid = child.pid ?? -1;
    const seen = { writeBytes: 0, cpuTicks: 0 };
    let lastMs = performance.now();
    const look = () => {
      const observation = lookOnce(table, pid);
      const nowMs = performance.now();
      if (typeof observation.io !== 'string') {
        seen.writeBytes += (observation.io.writeBytes * (nowMs - lastMs)) / 1000;
        seen.cpuTicks += (Number(observation.cpuPct) * (nowMs - lastMs)) / 1000;
      }
      lastMs = nowMs;
    };
    look();
    const before = countersOf(pid);
    for (let n = 0; n < 3; n += 1) {
      for (let asleep = 0; asleep < memoryLookEvery + 2; asleep += 1) look();
      const { writeBytes } = countersOf(pid);
      child.stdin.write('go\n');
      await untilIdle(pid, 'sh', () => countersOf(pid).writeBytes > writeBytes);
      look();
    }
    const after = countersOf(pid);
    expect(after.writeBytes - before.writeBytes).toBeGreaterThan(0);
    expect(after.cpuTicks - before.cpuTicks).toBeGreaterThan(5);
    // The rates are over the time between the readings, which is not quite that between the looks.
    const tolerance = 0.05;
    expect(seen.writeBytes / (after.writeBytes - before.writeBytes)).toBeCloseTo(1, 1);
    expect(Math.abs(seen.cpuTicks / (after.cpuTicks - before.cpuTicks) - 1)).toBeLessThan(
      tolerance,
    );
  });

  test.skipIf(!mayChoosePids())('a process with the pid of one that slept is another', async () => {
    const table = tableOf();
    const sleeper = await startSleeper();
    const { pid } = sleeper;
    await untilIdle(pid, 'sleep');
    for (let n = 0; n < 3; n += 1) lookOnce(table, pid);
    expect(table.openDescriptors).toBe(1);
    const startTicks = table.startTicksOf(pid);
    await sleeper.end();
    await untilTickAfter(startTicks ?? Number.NaN);
    await startWithPid(pid);
    expect(lookOnce(table, pid)).toMatchObject({ comm: 'tail' });
    expect(table.startTicksOf(pid)).not.toBe(startTicks);
  });
});

function tableOf(): ProcessTable {
  const table = new ProcessTable(systemClock, '/proc');
  onTestFinished(() => table.close());
  return table;
}

function lookOnce(table: ProcessTable, pid: number): Observation {
  table.begin(Number.NaN);
  const look = table.look(pid);
  table.end();
  if (typeof look === 'string') throw new Error(`${pid} is ${look}`);
  return look;
}

/** As the kernel tells them to anybody. */
function countersOf(pid: number): { writeBytes: number; cpuTicks: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const io = readFileSync(`/proc/${pid}/io`, 'latin1');
  const writeBytes = Number(/^write_bytes: (\d+)$/m.exec(io)?.[1]);
  return { writeBytes, cpuTicks: Number(fields[11]) + Number(fields[12]) };
}

/** Resolves when it has begun, and sleeps again. */
async function untilIdle(pid: number, comm: string, hasBegun = () => true): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  const sleeps = () => readFileSync(`/proc/${pid}/stat`, 'latin1').includes(` (${comm}) S `);
  while (!hasBegun() || !sleeps()) {
    if (performance.now() > deadlineMs) throw new Error(`${pid} does not come to rest`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Two that have the same pid and started in the same hundredth of a second are one to anybody. */
async function untilTickAfter(ticks: number): Promise<void> {
  const bootS = () => Number.parseFloat(readFileSync('/proc/uptime', 'latin1'));
  while (bootS() <= (ticks + 1) / 100) await new Promise((resolve) => setTimeout(resolve, 5));
}

function mayChoosePids(): boolean {
  try {
    accessSync(lastPid, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Another may take the pid first; then it is tried again when that one is gone. */
async function startWithPid(pid: number): Promise<Child> {
  const deadlineMs = performance.now() + 10_000;
  while (performance.now() < deadlineMs) {
    writeFileSync(lastPid, String(pid - 1));
    const child = await startCommand('tail', ['-f', '/dev/null']);
    if (child.pid === pid) return child;
    await child.end();
  }
  throw new Error(`no process got the pid ${pid}`);
}
