/** All that is read on Linux, wired: one buffer for every file of the base set. */
import { join } from 'node:path';
import type { Platform, PlatformOptions } from '../source.ts';
import { cpuSource } from './cpu.ts';
import { diskSource } from './disk.ts';
import { FileSystemSource } from './file-systems.ts';
import { KeptFile } from './kept-file.ts';
import { loadSource } from './load.ts';
import { memorySource } from './memory.ts';
import { networkSource } from './network.ts';
import { ProcessScanner } from './processes.ts';
import { Scan } from './scan.ts';
import { uptimeSource } from './uptime.ts';

export function linuxPlatform(options: PlatformOptions): Platform {
  const { procRoot, clock } = options;
  const scan = new Scan();
  const file = (name: string) => new KeptFile(join(procRoot, name), scan);
  return {
    sources: [
      cpuSource(file('stat'), clock),
      memorySource(file('meminfo')),
      loadSource(file('loadavg')),
      uptimeSource(file('uptime')),
      networkSource(file('net/dev'), clock, options),
      diskSource(file('diskstats'), clock, options),
      new FileSystemSource(file('self/mounts'), clock),
    ],
    processes: new ProcessScanner({ procRoot, clock, topCount: options.topProcesses }),
  };
}
