import type { CpuInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import type {
  InterfaceCounters,
  ProcessCounters,
  WindowsCounters,
} from '../../../native/windows/addon.ts';
import { CpuSource } from '../cpu.ts';
import { DiskSource } from '../disk.ts';
import { NetworkSource } from '../network.ts';
import type { Draft, ProcessScan, Source } from '../source.ts';
import { ManualClock, readOnce } from '../testing/machine.ts';
import { cpuReader } from './cpu.ts';
import { diskReader } from './disk.ts';
import { fileSystemSource } from './file-systems.ts';
import { memorySource } from './memory.ts';
import { networkReader } from './network.ts';
import { ProcessScanner } from './processes.ts';

const never = new AbortController().signal;
/** 1970 on Windows' clock. */
const epochMs = 11_644_473_600_000;

/** The second reading, a second after the first. */
function readAfter(source: Source, clock: ManualClock, change: () => void): Draft {
  readOnce(source);
  clock.advance(1000);
  change();
  return readOnce(source);
}

describe('CPU', () => {
  const core = (user: number, sys: number, idle: number): CpuInfo => ({
    model: '',
    speed: 0,
    // Interrupts are inside `sys` on Windows.
    times: { user, nice: 0, sys, idle, irq: sys },
  });

  it('shares of all and of each core; interrupts do not count twice', () => {
    const clock = new ManualClock();
    let cpus = [core(0, 0, 0), core(0, 0, 0)];
    const source = new CpuSource(
      cpuReader(() => cpus),
      clock,
    );
    const draft = readAfter(source, clock, () => {
      cpus = [core(500, 250, 250), core(0, 0, 1000)];
    });
    expect(draft.cpu).toEqual({ pct: 37.5, user: 25, system: 12.5 });
    expect(draft.cores?.map(({ pct }) => pct)).toEqual([75, 0]);
  });

  it('counters that stood still are no time, not an idle machine', () => {
    const clock = new ManualClock();
    const source = new CpuSource(
      cpuReader(() => [core(1, 1, 1)]),
      clock,
    );
    expect(readAfter(source, clock, () => {}).unavailable['cpu_pct']).toBe('no_time_passed');
  });
});

describe('network', () => {
  const row = (name: string, bytes: number, more: Partial<InterfaceCounters> = {}) => ({
    name,
    type: 6,
    hardware: true,
    filter: false,
    bytesIn: bytes,
    bytesOut: 2 * bytes,
    ...more,
  });

  it('a card counts once, whatever filters, tunnels and switches repeat of it', () => {
    const clock = new ManualClock();
    let bytes = 0;
    const interfaces = (): InterfaceCounters[] => [
      row('Ethernet', bytes),
      row('Ethernet-QoS Packet Scheduler-0000', bytes, { filter: true }),
      row('vEthernet (Default Switch)', bytes, { hardware: false }),
      row('Teredo', bytes, { type: 131, hardware: false }),
      row('Loopback', bytes, { type: 24, hardware: false }),
    ];
    const source = new NetworkSource(networkReader({ interfaces }), clock);
    const draft = readAfter(source, clock, () => {
      bytes = 1000;
    });
    expect(draft).toMatchObject({ net_in: 1000, net_out: 2000 });
    expect(draft.nets?.map(({ name }) => name)).toEqual([
      'Ethernet',
      'vEthernet (Default Switch)',
      'Teredo',
    ]);
  });
});

describe('disks', () => {
  it('the sum of all is not one more disk', () => {
    const clock = new ManualClock();
    let bytes = 0;
    const disk = (name: string) => ({ name, bytesRead: bytes, bytesWritten: 3 * bytes });
    const disks = () => [disk('0 C:'), disk('1 D: E:'), disk('_Total')];
    const source = new DiskSource(diskReader({ disks }), clock);
    const draft = readAfter(source, clock, () => {
      bytes = 100;
    });
    expect(draft).toMatchObject({ disk_io: 800, disk_read: 200, disk_write: 600 });
    expect(draft.disks?.map(({ name }) => name)).toEqual(['0 C:', '1 D: E:']);
  });
});

describe('memory and drives', () => {
  it('page files that cannot be asked take swap alone, with the reason', () => {
    const pageFiles = (): never => {
      throw new Error('EnumPageFiles: error 5');
    };
    const memory = { totalBytes: () => 1000, freeBytes: () => 250 };
    const draft = readOnce(memorySource(memory, { pageFiles }));
    expect(draft).toMatchObject({ mem_total: 1000, mem_used: 750, mem_pct: 75 });
    const reason = 'EnumPageFiles: error 5';
    expect(draft.unavailable).toEqual({ swap_total: reason, swap_used: reason });
  });

  it('a drive with a quota is full when this user has no room left', () => {
    const volumes = () => [
      { mount: 'C:\\', bytes: 1000, freeBytes: 500, availableBytes: 0 },
      { mount: 'D:\\', bytes: 0, freeBytes: 0, availableBytes: 0 },
    ];
    const draft = readOnce(fileSystemSource({ volumes }));
    expect(draft.fs).toEqual([{ mount: 'C:\\', total: 1000, used: 500, used_pct: 100 }]);
  });

  it('no drive is a reason and no zero', () => {
    const draft = readOnce(fileSystemSource({ volumes: () => [] }));
    expect(draft.disk_used_pct).toBeUndefined();
    expect(draft.unavailable['disk_used_pct']).toBe('no fixed drive has a size');
  });
});

describe('processes', () => {
  /** Processes by pid; a number is Windows' error. */
  class FakeProcesses implements Pick<WindowsCounters, 'processes' | 'processCounters'> {
    readonly clock = new ManualClock();
    readonly running = new Map<number, ProcessCounters | number>();
    readonly #scanner = new ProcessScanner({
      counters: this,
      clock: this.clock,
      topCount: 3,
      memoryBytes: () => 1_000_000,
    });

    processes() {
      return [...this.running.keys()].map((pid) => ({ pid, name: `${pid}.exe` }));
    }
    processCounters(pid: number): ProcessCounters | number {
      return this.running.get(pid) ?? 87;
    }
    /** A scan one second after the last. */
    scan(): Promise<ProcessScan> {
      this.clock.advance(1000);
      return this.#scanner.scan(never);
    }
    /** Of a process that was created long ago. */
    has(pid: number, counters: Partial<ProcessCounters>): void {
      const old = { createdMs: pid, cpuMs: 0, residentBytes: 4096, readBytes: 0, writtenBytes: 0 };
      this.running.set(pid, { ...old, ...counters });
    }
  }

  it('CPU, memory and I/O of two readings; the idle process is none', async () => {
    const machine = new FakeProcesses();
    machine.has(0, { cpuMs: 0 });
    machine.has(8, { cpuMs: 100, readBytes: 10 });
    await machine.scan();
    machine.has(0, { cpuMs: 900 });
    machine.has(8, { cpuMs: 600, readBytes: 30, residentBytes: 250_000 });
    const { processes } = await machine.scan();
    expect(processes?.count).toBe(1);
    expect(processes?.by_cpu).toEqual([
      { pid: 8, name: '8.exe', cpu_pct: 50, mem_pct: 25, rss: 250_000, read: 20, write: 0 },
    ]);
  });

  it('a pid that another process has by now gets nothing of the one before', async () => {
    const machine = new FakeProcesses();
    machine.has(8, { cpuMs: 50_000 });
    machine.has(9, {});
    await machine.scan();
    machine.has(8, { cpuMs: 50_100, createdMs: 7 });
    const { processes } = await machine.scan();
    expect(processes?.by_mem.map(({ pid }) => pid)).toEqual([9]);
  });

  it('one that was created since the last scan began has counted from zero since then', async () => {
    const machine = new FakeProcesses();
    machine.has(9, {});
    await machine.scan();
    machine.has(8, { cpuMs: 200, createdMs: machine.clock.wallMs() + epochMs + 1 });
    const { processes } = await machine.scan();
    expect(processes?.by_cpu.map(({ pid, cpu_pct }) => [pid, cpu_pct])).toEqual([[8, 20]]);
  });

  it('one that may not be looked at is counted, one that is gone is not', async () => {
    const machine = new FakeProcesses();
    machine.has(9, {});
    machine.running.set(10, 5);
    machine.running.set(11, 87);
    await machine.scan();
    const { processes } = await machine.scan();
    expect(processes?.count).toBe(2);
  });

  it('processes whose I/O Windows does not tell are no I/O of zero', async () => {
    const machine = new FakeProcesses();
    machine.running.set(8, { createdMs: 1, cpuMs: 1, residentBytes: 4096 });
    await machine.scan();
    const { processes, unavailable } = await machine.scan();
    expect(processes).not.toHaveProperty('by_io');
    expect(processes?.by_mem[0]).not.toHaveProperty('read');
    expect(unavailable['processes.by_io']).toBe('Windows does not tell it');
  });
});
