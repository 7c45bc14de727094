/** Bytes a second read from and written to the machine's disks. */
import type { Clock } from '../../runtime/clock.ts';
import { disksMax } from '../../wire/limits.ts';
import type { Disk } from '../../wire/records/sample.ts';
import { type DeviceLine, Devices, totalOf } from './devices.ts';
import { wholeAmount } from './numbers.ts';
import { type Draft, markUnavailable, momentOf, type Source } from './source.ts';

/**
 * `whole`: a disk with a device. `plain`: no device and built on nothing that we can see, counted
 * where no whole disk exists. `layer`: what repeats the I/O of another, never counted.
 */
export type DiskKind = 'whole' | 'plain' | 'layer';

export interface DiskReader {
  /** What its counters count in. */
  readonly unitBytes: number;
  /** Read, then written, of every disk since it was found. */
  read(): readonly DeviceLine[];
  /** Asked about names of the last reading only. */
  kindOf(name: string): DiskKind;
  close(): void;
}

export class DiskSource implements Source {
  readonly metrics = ['disk_io', 'disk_read', 'disk_write', 'disks'] as const;
  readonly #reader: DiskReader;
  readonly #clock: Clock;
  readonly #devices: Devices<DiskKind>;

  constructor(reader: DiskReader, clock: Clock) {
    this.#reader = reader;
    this.#clock = clock;
    this.#devices = new Devices((name) => reader.kindOf(name));
  }

  read(draft: Draft): void {
    const lines = this.#reader.read();
    const { unitBytes } = this.#reader;
    const all = this.#devices.take(lines, momentOf(this.#clock));
    const whole = all.filter(({ kind }) => kind === 'whole');
    const counted = whole.length > 0 ? whole : all.filter(({ kind }) => kind === 'plain');
    const total = totalOf(counted);
    if (typeof total !== 'object') {
      markUnavailable(draft, this.metrics, total ?? 'no disk of its own');
      return;
    }
    draft.disk_io = wholeAmount((total.first + total.second) * unitBytes);
    draft.disk_read = wholeAmount(total.first * unitBytes);
    draft.disk_write = wholeAmount(total.second * unitBytes);
    const disks: Disk[] = [];
    for (const { name, rate } of counted) {
      if (disks.length === disksMax) break;
      if (typeof rate === 'string') continue;
      const [read, write] = [rate.first * unitBytes, rate.second * unitBytes];
      disks.push({ name, read: wholeAmount(read), write: wholeAmount(write) });
    }
    draft.disks = disks;
  }

  close(): void {
    this.#reader.close();
  }
}
