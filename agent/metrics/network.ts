/**
 * Bytes a second in and out of the machine's interfaces. The total is over physical interfaces;
 * where there is none (a container) over plain ones.
 */
import type { Clock } from '../../runtime/clock.ts';
import { interfacesMax } from '../../wire/limits.ts';
import type { NetworkInterface } from '../../wire/records/sample.ts';
import { type Device, type DeviceLine, Devices, totalOf } from './devices.ts';
import { wholeAmount } from './numbers.ts';
import { type Draft, markUnavailable, momentOf, type Source } from './source.ts';

/**
 * `physical`: has a device, and is what totals count. `plain`: has none and rides on nothing that
 * we can see, such as a container's eth0; counted where nothing physical exists. `layer`: repeats
 * what another interface carries, never counted. `loopback`: not the network.
 */
export type InterfaceKind = 'physical' | 'plain' | 'layer' | 'loopback';

export interface NetworkReader {
  /** Bytes in, then out, of every interface since it came up. */
  read(): readonly DeviceLine[];
  /** Asked about names of the last reading only. */
  kindOf(name: string): InterfaceKind;
  close(): void;
}

export class NetworkSource implements Source {
  readonly metrics = ['net_in', 'net_out', 'nets'] as const;
  readonly #reader: NetworkReader;
  readonly #clock: Clock;
  readonly #devices: Devices<InterfaceKind>;

  constructor(reader: NetworkReader, clock: Clock) {
    this.#reader = reader;
    this.#clock = clock;
    this.#devices = new Devices((name) => reader.kindOf(name));
  }

  read(draft: Draft): void {
    const lines = this.#reader.read();
    const all = this.#devices.take(lines, momentOf(this.#clock));
    const physical = all.filter(({ kind }) => kind === 'physical');
    const others = all.filter(({ kind }) => kind === 'plain' || kind === 'layer');
    const counted = physical.length > 0 ? physical : all.filter(({ kind }) => kind === 'plain');
    addTotal(draft, counted);
    addList(draft, [...physical, ...others]);
  }

  close(): void {
    this.#reader.close();
  }
}

function addTotal(draft: Draft, counted: readonly Device<InterfaceKind>[]): void {
  const total = totalOf(counted);
  if (typeof total !== 'object') {
    const reason = total ?? 'no network interface of its own';
    markUnavailable(draft, ['net_in', 'net_out'], reason);
    return;
  }
  draft.net_in = wholeAmount(total.first);
  draft.net_out = wholeAmount(total.second);
}

function addList(draft: Draft, devices: readonly Device<InterfaceKind>[]): void {
  const nets: NetworkInterface[] = [];
  for (const { name, rate } of devices) {
    if (nets.length === interfacesMax) break;
    if (typeof rate === 'string') continue;
    nets.push({ name, in: wholeAmount(rate.first), out: wholeAmount(rate.second) });
  }
  const gap = devices[0]?.rate;
  if (nets.length === 0 && typeof gap === 'string') markUnavailable(draft, ['nets'], gap);
  else draft.nets = nets;
}
