/** CPU time by mode becomes shares, for the machine and for each core. */
import type { Clock } from '../../runtime/clock.ts';
import { type Gap, intervalBetween, type Moment } from '../../runtime/rates.ts';
import { coresMax } from '../../wire/limits.ts';
import type { CpuModes } from '../../wire/records/sample.ts';
import { type Draft, markUnavailable, momentOf, type Source } from './source.ts';

/** Time in each mode, in the unit and the order of the system. */
export type ModeTimes = readonly number[];

export interface CpuReading {
  /** Of the whole machine. */
  readonly machine: ModeTimes | undefined;
  /** By the system's number of the core; cores that are offline have none. */
  readonly cores: ReadonlyMap<number, ModeTimes>;
}

export interface CpuReader {
  read(): CpuReading;
  /** Shares of the time between two readings, or why there are none. */
  sharesBetween(before: ModeTimes | undefined, after: ModeTimes): CpuModes | Gap;
  close(): void;
}

export class CpuSource implements Source {
  readonly metrics = ['cpu_pct', 'cpu', 'cores'] as const;
  readonly #reader: CpuReader;
  readonly #clock: Clock;
  #at: Moment | undefined;
  #before: CpuReading = { machine: undefined, cores: new Map() };

  constructor(reader: CpuReader, clock: Clock) {
    this.#reader = reader;
    this.#clock = clock;
  }

  read(draft: Draft): void {
    const after = this.#reader.read();
    const at = momentOf(this.#clock);
    const interval = intervalBetween(this.#at, at);
    const before = this.#before;
    this.#at = at;
    this.#before = after;
    if ('unavailable' in interval) {
      markUnavailable(draft, this.metrics, interval.unavailable);
      return;
    }
    this.#addMachine(draft, before, after);
    this.#addCores(draft, before, after);
  }

  close(): void {
    this.#reader.close();
  }

  #addMachine(draft: Draft, before: CpuReading, after: CpuReading): void {
    if (after.machine === undefined) {
      markUnavailable(draft, ['cpu_pct', 'cpu'], 'not told for the whole machine');
      return;
    }
    const shares = this.#reader.sharesBetween(before.machine, after.machine);
    if (typeof shares === 'string') {
      markUnavailable(draft, ['cpu_pct', 'cpu'], shares);
      return;
    }
    draft.cpu_pct = shares.pct;
    draft.cpu = shares;
  }

  /**
   * A place in `cores` is a core only while the list stays the same: in the interval in which a core
   * went offline or came back the list is left out, so that no core gets another's numbers.
   */
  #addCores(draft: Draft, before: CpuReading, after: CpuReading): void {
    const cores: CpuModes[] = [];
    const sameCount = before.cores.size === after.cores.size;
    for (const [core, times] of after.cores) {
      if (!sameCount || !before.cores.has(core)) {
        markUnavailable(draft, ['cores'], 'the list of cores changed');
        return;
      }
      const shares = this.#reader.sharesBetween(before.cores.get(core), times);
      if (typeof shares === 'string') {
        markUnavailable(draft, ['cores'], shares);
        return;
      }
      cores.push(shares);
    }
    draft.cores = cores.slice(0, coresMax);
  }
}
