/**
 * All that is read on Windows, wired. What Windows does not count, such as the load averages, is
 * unavailable and says so.
 */
import { cpus, freemem, totalmem, uptime } from 'node:os';
import { type WindowsCounters, windowsAddon } from '../../../native/windows/addon.ts';
import { CpuSource } from '../cpu.ts';
import { DiskSource } from '../disk.ts';
import { NetworkSource } from '../network.ts';
import {
  markUnavailable,
  notCounted,
  type Platform,
  type PlatformOptions,
  type Source,
} from '../source.ts';
import { cpuReader } from './cpu.ts';
import { diskReader } from './disk.ts';
import { fileSystemSource } from './file-systems.ts';
import { memorySource } from './memory.ts';
import { networkReader } from './network.ts';
import { ProcessScanner } from './processes.ts';

export function windowsPlatform(
  options: PlatformOptions,
  counters: WindowsCounters = windowsAddon(),
): Platform {
  const { clock, topProcesses: topCount } = options;
  const memory = { totalBytes: totalmem, freeBytes: freemem };
  return {
    sources: [
      new CpuSource(cpuReader(cpus), clock),
      notCountedSource,
      memorySource(memory, counters),
      uptimeSource,
      new NetworkSource(networkReader(counters), clock),
      new DiskSource(diskReader(counters), clock),
      fileSystemSource(counters),
    ],
    processes: new ProcessScanner({ counters, clock, topCount, memoryBytes: totalmem }),
  };
}

/** Behind the CPU's source, whose shares do not have them. */
const notCountedSource: Source = {
  metrics: ['load1', 'load5', 'load15'],
  read(draft) {
    const modes = draft.cpu === undefined ? [] : ['cpu.iowait', 'cpu.steal'];
    markUnavailable(draft, [...this.metrics, ...modes], notCounted);
  },
  close() {},
};

const uptimeSource: Source = {
  metrics: ['uptime_s'],
  read(draft) {
    draft.uptime_s = uptime();
  },
  close() {},
};
