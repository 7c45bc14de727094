/**
 * Space of the fixed drives, from GetDiskFreeSpaceEx. Network drives are not asked, as one whose
 * server is gone does not answer. NTFS has no fixed number of files, so no `inodes_pct`.
 */
import type { Volume, WindowsCounters } from '../../../native/windows/addon.ts';
import { fileSystemsMax, nameCharsMax } from '../../../wire/limits.ts';
import type { FileSystem } from '../../../wire/records/sample.ts';
import { percentOf, wholeAmount } from '../numbers.ts';
import { markUnavailable, type Source } from '../source.ts';

export function fileSystemSource(counters: Pick<WindowsCounters, 'volumes'>): Source {
  const metrics = ['fs', 'disk_used_pct'] as const;
  return {
    metrics,
    read(draft) {
      const measured = counters.volumes().flatMap(fileSystemOf).slice(0, fileSystemsMax);
      if (measured.length === 0) {
        markUnavailable(draft, metrics, 'no fixed drive has a size');
        return;
      }
      draft.fs = measured;
      draft.disk_used_pct = Math.max(...measured.map(({ used_pct }) => used_pct));
    },
    close() {},
  };
}

function fileSystemOf({ mount, bytes, freeBytes, availableBytes }: Volume): FileSystem[] {
  const usedBytes = Math.max(0, bytes - freeBytes);
  const usableBytes = usedBytes + availableBytes;
  if (!(usableBytes > 0)) return [];
  return [
    {
      mount: mount.slice(0, nameCharsMax),
      total: wholeAmount(bytes),
      used: wholeAmount(usedBytes),
      used_pct: percentOf(usedBytes, usableBytes),
    },
  ];
}
