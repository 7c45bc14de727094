/**
 * CPU time by mode from /proc/stat (proc(5)), for the machine and for each core.
 *
 *   cpu  user nice system idle iowait irq softirq steal guest guest_nice
 *
 * guest and guest_nice are already inside user and nice, so they are not read: adding them would
 * count a virtual machine's time twice. steal and iowait are part of the time that passed.
 */
import type { Clock } from '../../../runtime/clock.ts';
import { type Gap, intervalBetween, type Moment } from '../../../runtime/rates.ts';
import { coresMax } from '../../../wire/limits.ts';
import type { CpuModes } from '../../../wire/records/sample.ts';
import { percentOf } from '../numbers.ts';
import { type Draft, markUnavailable, momentOf, type Source } from '../source.ts';
import type { KeptFile } from './kept-file.ts';
import type { Scan } from './scan.ts';

const modesCount = 8;
const linePrefix = Buffer.from('cpu');
const zero = 0x30;
const nine = 0x39;

/** Ticks in each mode: user, nice, system, idle, iowait, irq, softirq, steal. */
type Ticks = readonly number[];

interface CpuReading {
  /** Of the whole machine. */
  readonly machine: Ticks | undefined;
  /** By the kernel's number of the core; cores that are offline have no line. */
  readonly cores: ReadonlyMap<number, Ticks>;
}

export function parseCpu(scan: Scan): CpuReading {
  let machine: Ticks | undefined;
  const cores = new Map<number, Ticks>();
  while (scan.take(linePrefix)) {
    const next = scan.bytes[scan.at] ?? 0;
    const core = next >= zero && next <= nine ? scan.number() : undefined;
    const ticks = Array.from({ length: modesCount }, () => scan.number() || 0);
    if (core === undefined) machine = ticks;
    else cores.set(core, ticks);
    scan.nextLine();
  }
  return { machine, cores };
}

/** Shares of the time between two readings, or why there are none. */
export function sharesBetween(before: Ticks | undefined, after: Ticks): CpuModes | Gap {
  if (before === undefined) return 'first_reading';
  let net = 0;
  let total = 0;
  const spent = after.map((ticks, mode) => {
    const delta = ticks - (before[mode] ?? 0);
    net += delta;
    // The kernel estimates idle and iowait of a sleeping core, and corrects itself backwards.
    const counted = Math.max(0, delta);
    total += counted;
    return counted;
  });
  if (net < 0) return 'reset';
  if (total === 0) return 'no_time_passed';
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] =
    spent;
  return {
    pct: percentOf(total - idle - iowait, total),
    user: percentOf(user + nice, total),
    system: percentOf(system + irq + softirq, total),
    iowait: percentOf(iowait, total),
    steal: percentOf(steal, total),
  };
}

export class CpuSource implements Source {
  readonly metrics = ['cpu_pct', 'cpu', 'cores'] as const;
  readonly #file: KeptFile;
  readonly #clock: Clock;
  #at: Moment | undefined;
  #before: CpuReading = { machine: undefined, cores: new Map() };

  constructor(file: KeptFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  read(draft: Draft): void {
    const after = parseCpu(this.#file.read());
    const at = momentOf(this.#clock);
    const interval = intervalBetween(this.#at, at);
    const before = this.#before;
    this.#at = at;
    this.#before = after;
    if ('unavailable' in interval) {
      markUnavailable(draft, this.metrics, interval.unavailable);
      return;
    }
    addMachine(draft, before, after);
    addCores(draft, before, after);
  }

  close(): void {
    this.#file.close();
  }
}

function addMachine(draft: Draft, before: CpuReading, after: CpuReading): void {
  if (after.machine === undefined) {
    markUnavailable(draft, ['cpu_pct', 'cpu'], 'no cpu line in /proc/stat');
    return;
  }
  const shares = sharesBetween(before.machine, after.machine);
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
function addCores(draft: Draft, before: CpuReading, after: CpuReading): void {
  const cores: CpuModes[] = [];
  const sameCount = before.cores.size === after.cores.size;
  for (const [core, ticks] of after.cores) {
    if (!sameCount || !before.cores.has(core)) {
      markUnavailable(draft, ['cores'], 'the list of cores changed');
      return;
    }
    const shares = sharesBetween(before.cores.get(core), ticks);
    if (typeof shares === 'string') {
      markUnavailable(draft, ['cores'], shares);
      return;
    }
    cores.push(shares);
  }
  draft.cores = cores.slice(0, coresMax);
}
