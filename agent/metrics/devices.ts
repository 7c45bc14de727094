/**
 * Devices with two counters each: bytes in and out of an interface, sectors read and written of a
 * disk. Each device has its own previous reading, so one that appears or vanishes can neither
 * become a spike nor a negative rate; a total is the sum of the devices that have a rate.
 *
 * What kind a device is costs several look-ups in /sys, so it is asked when the name is first
 * seen and again a minute later at the earliest, for a few devices per reading.
 */
import { type Gap, intervalBetween, type Moment, rateOver } from '../../runtime/rates.ts';

const recheckMs = 60_000;
/** Keeps a machine with 1,000 interfaces from asking /sys about all of them in one tick. */
const rechecksPerReadingMax = 8;

/** Units of the counters per second. */
export interface PairRate {
  readonly first: number;
  readonly second: number;
}

export interface Device<Kind> {
  readonly name: string;
  kind: Kind;
  rate: PairRate | Gap;
  checkedMs: number;
  at: Moment;
  first: number;
  second: number;
  reading: number;
}

/** One device's line of a reading. */
export interface DeviceLine {
  readonly name: string;
  readonly first: number;
  readonly second: number;
}

export class Devices<Kind> {
  readonly #kindOf: (name: string) => Kind;
  readonly #byName = new Map<string, Device<Kind>>();
  #reading = 0;

  constructor(kindOf: (name: string) => Kind) {
    this.#kindOf = kindOf;
  }

  /** Takes one reading of all devices; returns them in its order, those that are gone left out. */
  take(lines: readonly DeviceLine[], at: Moment): Device<Kind>[] {
    this.#reading += 1;
    const devices = lines.map((line) => this.#update(line, at));
    let rechecks = 0;
    for (const [name, device] of this.#byName) {
      if (device.reading !== this.#reading) {
        this.#byName.delete(name);
      } else if (at.monotonicMs - device.checkedMs >= recheckMs) {
        if (rechecks === rechecksPerReadingMax) continue;
        rechecks += 1;
        device.kind = this.#kindOf(name);
        device.checkedMs = at.monotonicMs;
      }
    }
    return devices;
  }

  #update(line: DeviceLine, at: Moment): Device<Kind> {
    const known = this.#byName.get(line.name);
    if (known === undefined) {
      const device: Device<Kind> = {
        ...line,
        at,
        kind: this.#kindOf(line.name),
        rate: 'first_reading',
        checkedMs: at.monotonicMs,
        reading: this.#reading,
      };
      this.#byName.set(line.name, device);
      return device;
    }
    known.rate = pairRate(known, line, at);
    known.at = at;
    known.first = line.first;
    known.second = line.second;
    known.reading = this.#reading;
    return known;
  }
}

/** Sum of the rates of those that have one; the reason of the first when none has. */
export function totalOf<Kind>(devices: readonly Device<Kind>[]): PairRate | Gap | undefined {
  let first = 0;
  let second = 0;
  let rated = 0;
  for (const { rate } of devices) {
    if (typeof rate === 'string') continue;
    first += rate.first;
    second += rate.second;
    rated += 1;
  }
  return rated > 0 ? { first, second } : devices[0]?.rate;
}

function pairRate<Kind>(before: Device<Kind>, after: DeviceLine, at: Moment): PairRate | Gap {
  const interval = intervalBetween(before.at, at);
  const first = rateOver(interval, before.first, after.first);
  if ('unavailable' in first) return first.unavailable;
  const second = rateOver(interval, before.second, after.second);
  if ('unavailable' in second) return second.unavailable;
  return { first: first.perSecond, second: second.perSecond };
}
