/**
 * The processes that are known from the last scan, so that their counters become rates.
 *
 * Invariant: a process is its pid and the time at which it was created. A pid with another such time
 * is another process, and no reading of one is ever compared with a reading of the other.
 */
import { type ProcessCounters, WINDOWS_ERROR } from '../../../native/windows/addon.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Moment } from '../../../runtime/rates.ts';
import { nameCharsMax } from '../../../wire/limits.ts';
import { type Look, noIo, observe, type ProcessIo, type Reading } from '../process-reading.ts';
import { momentOf } from '../source.ts';
import { pageBytes } from './page-bytes.ts';

/** From 1601, where Windows' time begins, to 1970. */
const epochMs = 11_644_473_600_000;

interface Known {
  readonly createdMs: number;
  readonly reading: Reading;
}

export class ProcessTable {
  readonly #countersOf: (pid: number) => ProcessCounters | number;
  readonly #clock: Clock;
  #known = new Map<number, Known>();
  #seen = new Map<number, Known>();
  #start: Moment | undefined;
  /** Of the last complete scan: who was created since then has counted from 0 since then. */
  #lastStart: Moment | undefined;

  /** @param countersOf of a pid, or Windows' number of the error */
  constructor(countersOf: (pid: number) => ProcessCounters | number, clock: Clock) {
    this.#countersOf = countersOf;
    this.#clock = clock;
  }

  begin(): void {
    this.#start = momentOf(this.#clock);
    this.#seen = new Map();
  }

  /** Ends a scan that has looked at every process: those not seen are forgotten. */
  end(): void {
    this.#lastStart = this.#start;
    this.#known = this.#seen;
  }

  look(pid: number, name: string): Look {
    const counters = this.#countersOf(pid);
    const at = momentOf(this.#clock);
    if (typeof counters === 'number') {
      return counters === WINDOWS_ERROR.accessDenied ? 'denied' : 'gone';
    }
    const { createdMs, cpuMs, residentBytes } = counters;
    if (createdMs === undefined || cpuMs === undefined || residentBytes === undefined) {
      return 'denied';
    }
    const reading: Reading = { at, cpuMs, io: ioOf(counters) };
    const known = this.#known.get(pid);
    const before = known?.createdMs === createdMs ? known.reading : this.#bornWith(createdMs);
    this.#seen.set(pid, { createdMs, reading });
    const comm = name.slice(0, nameCharsMax);
    return observe({ reading, residentPages: residentBytes / pageBytes, comm }, before);
  }

  /**
   * The counters of a process that was created after the last scan began: all were 0 then. Without
   * this, what starts and works hard within one interval would never be seen.
   */
  #bornWith(createdMs: number): Reading | undefined {
    const last = this.#lastStart;
    if (last?.wallMs === undefined || createdMs - epochMs < last.wallMs) return undefined;
    return { at: last, cpuMs: 0, io: noIo };
  }
}

function ioOf({ readBytes, writtenBytes }: ProcessCounters): ProcessIo | string {
  if (readBytes === undefined || writtenBytes === undefined) return 'Windows does not tell it';
  return { readBytes, writeBytes: writtenBytes };
}
