/**
 * Bytes in and out, from /proc/net/dev (proc(5)):
 *
 *   name: rx_bytes packets errs drop fifo frame compressed multicast tx_bytes …
 */
import type { Clock } from '../../../runtime/clock.ts';
import type { DeviceLine } from '../devices.ts';
import { type InterfaceKind, NetworkSource } from '../network.ts';
import type { Roots } from '../source.ts';
import { interfaceKind } from './interface-kind.ts';
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

export function networkSource(file: KeptFile, clock: Clock, { sysRoot }: Roots): NetworkSource {
  const read = (): DeviceLine[] => parseNetDev(file.read());
  const kindOf = (name: string): InterfaceKind => interfaceKind(sysRoot, name);
  return new NetworkSource({ read, kindOf, close: () => file.close() }, clock);
}
