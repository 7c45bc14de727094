/**
 * What was read and written, from /proc/diskstats (Documentation/admin-guide/iostats.rst):
 *
 *   major minor name reads merged sectors_read ms writes merged sectors_written …
 */
import type { Clock } from '../../../runtime/clock.ts';
import type { DeviceLine } from '../devices.ts';
import { type DiskKind, DiskSource } from '../disk.ts';
import type { Roots } from '../source.ts';
import { diskKind } from './disk-kind.ts';
import type { KeptFile } from './kept-file.ts';
import type { Scan } from './scan.ts';

/** Of diskstats, whatever the disk's own sectors are. */
const sectorBytes = 512;
/** Words between sectors_read and sectors_written. */
const wordsBetween = 3;

/** Counters in sectors, so that a 32-bit kernel's wrap is seen where it happens. */
export function parseDiskstats(scan: Scan): DeviceLine[] {
  const lines: DeviceLine[] = [];
  for (; !scan.ended; scan.nextLine()) {
    scan.skipWords(2);
    const name = scan.word();
    scan.skipWords(2);
    const first = scan.number();
    scan.skipWords(wordsBetween);
    const second = scan.number();
    if (!Number.isNaN(first + second)) lines.push({ name, first, second });
  }
  return lines;
}

export function diskSource(file: KeptFile, clock: Clock, { sysRoot }: Roots): DiskSource {
  const read = (): DeviceLine[] => parseDiskstats(file.read());
  const kindOf = (name: string): DiskKind => diskKind(sysRoot, name);
  return new DiskSource({ unitBytes: sectorBytes, read, kindOf, close: () => file.close() }, clock);
}
