/**
 * CPU time by mode of each core, from `os.cpus()`, which asks NtQuerySystemInformation for
 * SystemProcessorPerformanceInformation. Its `irq` is inside `sys` already. Windows counts neither
 * iowait nor steal: a core that waits for a disk is idle.
 */
import type { CpuInfo } from 'node:os';
import type { Gap } from '../../../runtime/rates.ts';
import type { CpuModes } from '../../../wire/records/sample.ts';
import type { CpuReader, CpuReading, ModeTimes } from '../cpu.ts';
import { percentOf } from '../numbers.ts';

/** @param cpus `os.cpus` */
export function cpuReader(cpus: () => CpuInfo[]): CpuReader {
  return { read: () => readingOf(cpus()), sharesBetween, close() {} };
}

/** Milliseconds in each mode: user, system, idle. */
function readingOf(cpus: readonly CpuInfo[]): CpuReading {
  const cores = cpus.map(({ times }) => [times.user, times.sys, times.idle] as const);
  const machine = cores.reduce(
    ([user, system, idle], core) => [user + core[0], system + core[1], idle + core[2]] as const,
    [0, 0, 0] as const,
  );
  return { machine: cores.length === 0 ? undefined : machine, cores: new Map(cores.entries()) };
}

function sharesBetween(before: ModeTimes | undefined, after: ModeTimes): CpuModes | Gap {
  if (before === undefined) return 'first_reading';
  const [user = 0, system = 0, idle = 0] = after.map((ms, mode) => ms - (before[mode] ?? 0));
  const total = user + system + idle;
  if (total < 0) return 'reset';
  if (total === 0) return 'no_time_passed';
  // Kernel time less idle time may go back by a tick: Windows reads the two at two moments.
  return {
    pct: percentOf(total - idle, total),
    user: percentOf(user, total),
    system: percentOf(system, total),
  };
}
