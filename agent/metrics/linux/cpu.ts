/**
 * CPU time by mode from /proc/stat (proc(5)), for the machine and for each core.
 *
 *   cpu  user nice system idle iowait irq softirq steal guest guest_nice
 *
 * guest and guest_nice are already inside user and nice, so they are not read: adding them would
 * count a virtual machine's time twice. steal and iowait are part of the time that passed.
 */
import type { Clock } from '../../../runtime/clock.ts';
import type { Gap } from '../../../runtime/rates.ts';
import type { CpuModes } from '../../../wire/records/sample.ts';
import { type CpuReading, CpuSource, type ModeTimes } from '../cpu.ts';
import { percentOf } from '../numbers.ts';
import type { KeptFile } from './kept-file.ts';
import type { Scan } from './scan.ts';

const modesCount = 8;
const linePrefix = Buffer.from('cpu');
const zero = 0x30;
const nine = 0x39;

/** Ticks in each mode: user, nice, system, idle, iowait, irq, softirq, steal. */
export function parseCpu(scan: Scan): CpuReading {
  let machine: ModeTimes | undefined;
  const cores = new Map<number, ModeTimes>();
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

export function sharesBetween(before: ModeTimes | undefined, after: ModeTimes): CpuModes | Gap {
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

export function cpuSource(file: KeptFile, clock: Clock): CpuSource {
  const read = (): CpuReading => parseCpu(file.read());
  return new CpuSource({ read, sharesBetween, close: () => file.close() }, clock);
}
