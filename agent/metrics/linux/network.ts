/**
 * Bytes a second in and out, from /proc/net/dev (proc(5)):
 *
 *   name: rx_bytes packets errs drop fifo frame compressed multicast tx_bytes …
 *
 * The total is over physical interfaces; where there is none (a container) over plain ones.
 */
import type { Clock } from '../../../runtime/clock.ts';
import { interfacesMax } from '../../../wire/limits.ts';
import type { NetworkInterface } from '../../../wire/records/sample.ts';
import { wholeAmount } from '../numbers.ts';
import { type Draft, markUnavailable, momentOf, type Roots, type Source } from '../source.ts';
import { type Device, type DeviceLine, Devices, totalOf } from './devices.ts';
import { type InterfaceKind, interfaceKind } from './interface-kind.ts';
import type { KeptFile } from './kept-file.ts';
import type { Scan } from './scan.ts';

const headerLines = 2;
const colon = 0x3a;
/** Words between rx_bytes and tx_bytes. */
const wordsBetween = 7;

export function parseNetDev(scan: Scan): DeviceLine[] {
  for (let line = 0; line < headerLines; line += 1) scan.nextLine();
  const lines: DeviceLine[] = [];
  for (; !scan.ended; scan.nextLine()) {
    const name = scan.wordBefore(colon);
    if (name === undefined) continue;
    const first = scan.number();
    scan.skipWords(wordsBetween);
    const second = scan.number();
    if (!Number.isNaN(first + second)) lines.push({ name, first, second });
  }
  return lines;
}

export class NetworkSource implements Source {
  readonly metrics = ['net_in', 'net_out', 'nets'] as const;
  readonly #file: KeptFile;
  readonly #clock: Clock;
  readonly #devices: Devices<InterfaceKind>;

  constructor(file: KeptFile, clock: Clock, roots: Roots) {
    this.#file = file;
    this.#clock = clock;
    this.#devices = new Devices((name) => interfaceKind(roots.sysRoot, name));
  }

  read(draft: Draft): void {
    const lines = parseNetDev(this.#file.read());
    const all = this.#devices.take(lines, momentOf(this.#clock));
    const physical = all.filter(({ kind }) => kind === 'physical');
    const others = all.filter(({ kind }) => kind === 'plain' || kind === 'layer');
    const counted = physical.length > 0 ? physical : all.filter(({ kind }) => kind === 'plain');
    addTotal(draft, counted);
    addList(draft, [...physical, ...others]);
  }

  close(): void {
    this.#file.close();
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
