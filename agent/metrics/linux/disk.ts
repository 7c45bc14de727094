/**
 * Bytes a second read and written, from /proc/diskstats (Documentation/admin-guide/iostats.rst):
 *
 *   major minor name reads merged sectors_read ms writes merged sectors_written …
 */
import type { Clock } from '../../../runtime/clock.ts';
import { disksMax } from '../../../wire/limits.ts';
import type { Disk } from '../../../wire/records/sample.ts';
import { wholeAmount } from '../numbers.ts';
import { type Draft, markUnavailable, momentOf, type Roots, type Source } from '../source.ts';
import { type DeviceLine, Devices, totalOf } from './devices.ts';
import { type DiskKind, diskKind } from './disk-kind.ts';
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

export class DiskSource implements Source {
  readonly metrics = ['disk_io', 'disk_read', 'disk_write', 'disks'] as const;
  readonly #file: KeptFile;
  readonly #clock: Clock;
  readonly #devices: Devices<DiskKind>;

  constructor(file: KeptFile, clock: Clock, roots: Roots) {
    this.#file = file;
    this.#clock = clock;
    this.#devices = new Devices((name) => diskKind(roots.sysRoot, name));
  }

  read(draft: Draft): void {
    const lines = parseDiskstats(this.#file.read());
    const all = this.#devices.take(lines, momentOf(this.#clock));
    const whole = all.filter(({ kind }) => kind === 'whole');
    const counted = whole.length > 0 ? whole : all.filter(({ kind }) => kind === 'plain');
    const total = totalOf(counted);
    if (typeof total !== 'object') {
      markUnavailable(draft, this.metrics, total ?? 'no disk in /proc/diskstats');
      return;
    }
    draft.disk_io = wholeAmount((total.first + total.second) * sectorBytes);
    draft.disk_read = wholeAmount(total.first * sectorBytes);
    draft.disk_write = wholeAmount(total.second * sectorBytes);
    const disks: Disk[] = [];
    for (const { name, rate } of counted) {
      if (disks.length === disksMax) break;
      if (typeof rate === 'string') continue;
      const [read, write] = [rate.first * sectorBytes, rate.second * sectorBytes];
      disks.push({ name, read: wholeAmount(read), write: wholeAmount(write) });
    }
    draft.disks = disks;
  }

  close(): void {
    this.#file.close();
  }
}
