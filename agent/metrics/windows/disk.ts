/**
 * What was read and written, from the performance counters of PhysicalDisk: their raw values are the
 * bytes since the machine started. A partition has none of its own there, so nothing counts twice.
 */
import type { WindowsCounters } from '../../../native/windows/addon.ts';
import type { DiskReader } from '../disk.ts';

/** Not a disk but the sum of all, which misses whatever came or went in between. */
const sumName = '_Total';

export function diskReader(counters: Pick<WindowsCounters, 'disks'>): DiskReader {
  return {
    unitBytes: 1,
    read: () =>
      counters
        .disks()
        .filter(({ name }) => name !== sumName)
        .map(({ name, bytesRead, bytesWritten }) => ({
          name,
          first: bytesRead,
          second: bytesWritten,
        })),
    kindOf: () => 'whole',
    close() {},
  };
}
