import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { startNode, startSleeper } from '../testing/children.ts';
import { Machine } from '../testing/machine.ts';
import { keptDescriptorsMax } from './process-file.ts';
import type { ProcessScan } from '../source.ts';
import { ProcessScanner } from './processes.ts';

const never = new AbortController().signal;
const memoryPages = 1_000_000;

interface Fake {
  readonly cpuTicks?: number;
  readonly startTicks?: number;
  readonly pages?: number;
  readonly read?: number;
  readonly name?: string;
}

/** A machine whose processes are files: 4,000,000 kB of memory, pages of 4 KiB, up for 100 s. */
class ProcessMachine extends Machine {
  readonly scanner: ProcessScanner;
  uptimeS = 100;

  constructor(topCount = 3) {
    super();
    this.write('proc/meminfo', `MemTotal: ${memoryPages * 4} kB\n`);
    this.write('proc/uptime', `${this.uptimeS}.00 0\n`);
    this.write('proc/version', 'not a process');
    const { procRoot, clock } = this;
    this.scanner = new ProcessScanner({ procRoot, clock, topCount });
    onTestFinished(() => this.scanner.close());
  }

  put(pid: number, fake: Fake): void {
    const { cpuTicks = 0, startTicks = 0, pages = 0, read = 0, name = `p${pid}` } = fake;
    const stat = `${pid} (${name}) S 1 1 1 0 -1 0 0 0 0 0 ${cpuTicks} 0 0 0 20 0 1 0 ${startTicks} 0 ${pages} 0\n`;
    this.write(`proc/${pid}/stat`, stat);
    this.write(`proc/${pid}/io`, `read_bytes: ${read}\nwrite_bytes: 0\n`);
  }

  scan(): Promise<ProcessScan> {
    return this.scanner.scan(never);
  }

  pass(seconds: number): void {
    this.clock.advance(seconds * 1000);
    this.uptimeS += seconds;
    this.write('proc/uptime', `${this.uptimeS}.00 0\n`);
  }
}

function pids(rows: readonly { pid: number }[] | undefined): number[] | undefined {
  return rows?.map(({ pid }) => pid);
}

describe('rates', () => {
  test('the first scan has a reason, the second the shares of the time between', async () => {
    const machine = new ProcessMachine();
    machine.put(1, { cpuTicks: 1000, pages: 10_000, read: 5000 });
    machine.put(2, { cpuTicks: 500, pages: 20_000 });
    expect(await machine.scan()).toEqual({ unavailable: { processes: 'first_reading' } });
    machine.pass(5);
    machine.put(1, { cpuTicks: 1750, pages: 10_000, read: 15_000 });
    machine.put(2, { cpuTicks: 500, pages: 20_000 });
    const { processes, unavailable } = await machine.scan();
    expect(unavailable).toEqual({});
    const first = {
      pid: 1,
      name: 'p1',
      cpu_pct: 150,
      mem_pct: 1,
      rss: 40_960_000,
      read: 2000,
      write: 0,
    };
    const second = {
      pid: 2,
      name: 'p2',
      cpu_pct: 0,
      mem_pct: 2,
      rss: 81_920_000,
      read: 0,
      write: 0,
    };
    expect(processes).toEqual({
      count: 2,
      by_cpu: [first],
      by_mem: [second, first],
      by_io: [first],
    });
  });

  test('a pid that another process got is never compared with its predecessor', async () => {
    const machine = new ProcessMachine();
    machine.put(1, {});
    machine.put(7, { cpuTicks: 100, startTicks: 10, read: 1000 });
    await machine.scan();
    machine.pass(10);
    // Born 2 s ago: all 300 ticks are of this interval, not 200 more than the predecessor's.
    machine.put(7, { cpuTicks: 300, startTicks: 10_800, read: 500 });
    const { processes } = await machine.scan();
    expect(processes?.by_cpu).toMatchObject([{ pid: 7, cpu_pct: 30, read: 50 }]);
  });

  test('an old process seen for the first time waits for its second reading', async () => {
    const machine = new ProcessMachine();
    machine.put(1, {});
    await machine.scan();
    machine.pass(5);
    machine.put(9, { cpuTicks: 9000, startTicks: 50, pages: 5 });
    const { processes } = await machine.scan();
    expect(processes?.count).toBe(2);
    expect(processes?.by_cpu).toEqual([]);
    expect(processes?.by_mem).toEqual([]);
    machine.pass(5);
    machine.put(9, { cpuTicks: 9100, startTicks: 50, pages: 5 });
    expect((await machine.scan()).processes?.by_cpu).toMatchObject([{ pid: 9, cpu_pct: 20 }]);
  });

  test('after the machine slept there are no shares for one scan', async () => {
    const machine = new ProcessMachine();
    machine.put(1, {});
    await machine.scan();
    machine.pass(5);
    machine.clock.sleep(60_000);
    expect(await machine.scan()).toEqual({ unavailable: { processes: 'suspended' } });
    machine.pass(5);
    expect((await machine.scan()).processes?.count).toBe(1);
  });
});

describe('what cannot be read', () => {
  test('a process that ended between the list and the look is left out', async () => {
    const machine = new ProcessMachine();
    machine.put(1, {});
    mkdirSync(join(machine.procRoot, '5'));
    await machine.scan();
    machine.pass(5);
    expect((await machine.scan()).processes?.count).toBe(1);
  });

  test('I/O that nobody may read is absent with its reason, the rest stays', async () => {
    const machine = new ProcessMachine();
    machine.put(1, { pages: 5 });
    machine.remove('proc/1/io');
    await machine.scan();
    machine.pass(5);
    machine.put(1, { pages: 5, cpuTicks: 10 });
    machine.remove('proc/1/io');
    const { processes, unavailable } = await machine.scan();
    expect(unavailable).toEqual({ 'processes.by_io': 'ENOENT /proc/PID/io' });
    expect(processes).not.toHaveProperty('by_io');
    expect(processes?.by_cpu[0]).not.toHaveProperty('read');
  });

  test('I/O that some processes hide does not hide the others', async () => {
    const machine = new ProcessMachine();
    machine.put(1, {});
    machine.put(2, {});
    machine.remove('proc/1/io');
    await machine.scan();
    machine.pass(5);
    machine.put(2, { read: 5000 });
    const { processes, unavailable } = await machine.scan();
    expect(unavailable).toEqual({});
    expect(pids(processes?.by_io)).toEqual([2]);
  });

  test('a /proc without memory is a reason of the whole scan', async () => {
    const machine = new ProcessMachine();
    machine.write('proc/meminfo', '');
    await expect(machine.scan()).rejects.toThrow('no MemTotal in /proc/meminfo');
  });
});

describe('a machine with 7,000 processes', () => {
  test('is scanned in slices, with bounded descriptors, and the largest are found', async () => {
    const machine = new ProcessMachine(10);
    const count = 7000;
    for (let pid = 1; pid <= count; pid += 1) {
      const folder = join(machine.procRoot, String(pid));
      mkdirSync(folder);
      writeFileSync(
        join(folder, 'stat'),
        `${pid} (p) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 0 0 ${pid} 0\n`,
      );
      writeFileSync(join(folder, 'io'), 'read_bytes: 0\nwrite_bytes: 0\n');
    }
    const scanner = new ProcessScanner({
      procRoot: machine.procRoot,
      clock: systemClock,
      topCount: 10,
    });
    onTestFinished(() => scanner.close());
    await scanner.scan(never);
    // What is read once may sleep from then on; what must be read again has its descriptors kept.
    await scanner.scan(never);
    expect(scanner.openDescriptors).toBe(keptDescriptorsMax);
    machine.put(3000, { cpuTicks: 50, read: 1e6 });
    let turns = 0;
    let isScanning = true;
    const turn = () => {
      turns += 1;
      if (isScanning) setImmediate(turn);
    };
    setImmediate(turn);
    const { processes } = await scanner.scan(never);
    isScanning = false;
    expect(turns).toBeGreaterThan(3);
    expect(processes?.count).toBe(count);
    expect(pids(processes?.by_mem)).toEqual(Array.from({ length: 10 }, (_, n) => count - n));
    expect(pids(processes?.by_cpu)).toEqual([3000]);
    expect(pids(processes?.by_io)).toEqual([3000]);
    for (let pid = 11; pid <= count; pid += 1) machine.remove(`proc/${pid}`);
    await scanner.scan(never);
    // What the ended ones held is free for those that had none.
    await scanner.scan(never);
    expect(scanner.openDescriptors).toBe(20);
    scanner.close();
    expect(scanner.openDescriptors).toBe(0);
  });
});

describe('stopping', () => {
  test('an aborted signal stops a scan in the middle, and the next scan works', async () => {
    const { scanner, controller, scanning } = await startLongScan();
    setImmediate(() => controller.abort());
    await expect(scanning).rejects.toMatchObject({ code: 'aborted' });
    expect(await scanner.scan(never)).toHaveProperty('unavailable');
  });

  test('closing stops a scan in the middle and leaves no descriptor open', async () => {
    const { scanner, scanning } = await startLongScan();
    setImmediate(() => scanner.close());
    await expect(scanning).rejects.toMatchObject({ code: 'aborted' });
    expect(scanner.openDescriptors).toBe(0);
    await expect(scanner.scan(never)).rejects.toMatchObject({ code: 'aborted' });
  });

  test('two scans never overlap: the second caller gets the first scan', async () => {
    const { scanner, scanning } = await startLongScan();
    expect(scanner.scan(never)).toBe(scanning);
    await scanning;
    const next = scanner.scan(never);
    expect(next).not.toBe(scanning);
    await next;
  });
});

/** A scan whose clock says that every look takes 5 ms, so that each is a slice of its own. */
async function startLongScan() {
  const machine = new Machine();
  machine.write('proc/meminfo', 'MemTotal: 1000 kB\n');
  for (let pid = 1; pid <= 20; pid += 1) {
    machine.write(
      `proc/${pid}/stat`,
      `${pid} (p) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 0 0 1 0\n`,
    );
    machine.write(`proc/${pid}/io`, 'read_bytes: 0\nwrite_bytes: 0\n');
  }
  const { clock } = machine;
  const slow = {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => {
      clock.advance(5);
      return clock.monotonicMs();
    },
  };
  const scanner = new ProcessScanner({ procRoot: machine.procRoot, clock: slow, topCount: 3 });
  onTestFinished(() => scanner.close());
  const controller = new AbortController();
  return { scanner, controller, scanning: scanner.scan(controller.signal) };
}

describe('on this machine', () => {
  test('I/O of other users is absent from their rows and present in our own', () => {
    const script = `
      const { ProcessScanner } = await import(${JSON.stringify(new URL('./processes.ts', import.meta.url).href)});
      const { ProcessTable } = await import(${JSON.stringify(new URL('./process-table.ts', import.meta.url).href)});
      const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };
      const scanner = new ProcessScanner({ procRoot: '/proc', clock, topCount: 50 });
      const { signal } = new AbortController();
      await scanner.scan(signal);
      const startMs = performance.now();
      while (performance.now() - startMs < 50);
      const { processes, unavailable } = await scanner.scan(signal);
      const row = (pid) => processes.by_mem.find((row) => row.pid === pid);
      const { io } = new ProcessTable(clock, '/proc').look(${process.pid});
      console.log(JSON.stringify({ io, own: row(process.pid), other: row(${process.pid}), unavailable }));`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      // The user nobody: root may read everyone's I/O.
      ...(process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}),
    });
    const seen: unknown = JSON.parse(child.stdout);
    expect(seen).toMatchObject({ io: expect.stringMatching(/^(?:EACCES|EPERM) \/proc\/PID\/io$/) });
    expect(seen).toMatchObject({ own: { write: expect.any(Number) }, unavailable: {} });
    expect(seen).not.toHaveProperty('other.write');
    expect(seen).toHaveProperty('other.rss');
  });

  test('a busy child has the share that the kernel tells, an idle one none, and one that ended is gone', async () => {
    const scanner = new ProcessScanner({ procRoot: '/proc', clock: systemClock, topCount: 50 });
    onTestFinished(() => scanner.close());
    const idle = await startSleeper();
    let lastMs = performance.now();
    await scanner.scan(never);
    // Born after the first scan: its first reading already counts from its birth.
    const busy = await startNode('for (;;);');
    for (let ticks = 0, n = 0; n < 2; n += 1) {
      const lastTicks = ticks;
      ticks = await ticksAbove(busy.pid, lastTicks + 50);
      const nowMs = performance.now();
      const { processes } = await scanner.scan(never);
      const row = processes?.by_cpu.find(({ pid }) => pid === busy.pid);
      const sharePct = ((ticks - lastTicks) * 1000) / (nowMs - lastMs);
      // A busy machine may let it run on, or stop, between the two readings.
      expect(Math.abs((row?.cpu_pct ?? 0) / sharePct - 1)).toBeLessThan(0.2);
      expect(row?.rss).toBeGreaterThan(20 * 1024 * 1024);
      expect(pids(processes?.by_cpu)).not.toContain(idle.pid);
      lastMs = nowMs;
    }
    await Promise.all([busy.end(), idle.end()]);
    const after = (await scanner.scan(never)).processes;
    expect(pids(after?.by_mem)).not.toContain(busy.pid);
  });
});

/** Resolves when a process has had more than so many ticks of CPU time. @returns how many */
async function ticksAbove(pid: number, least: number): Promise<number> {
  const deadlineMs = performance.now() + 20_000;
  while (performance.now() < deadlineMs) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    if (ticks > least) return ticks;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${pid} had no ${least} ticks`);
}
