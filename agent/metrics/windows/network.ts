/**
 * Bytes in and out from GetIfTable2. Its rows are those of the whole stack: each filter of a card
 * (a firewall's, a scheduler's) has one, with the card's bytes again.
 */
import type { InterfaceCounters, WindowsCounters } from '../../../native/windows/addon.ts';
import type { InterfaceKind, NetworkReader } from '../network.ts';

/** IANA's ifType. */
const loopback = 24;
const tunnel = 131;

export function networkReader(counters: Pick<WindowsCounters, 'interfaces'>): NetworkReader {
  const kinds = new Map<string, InterfaceKind>();
  return {
    read() {
      kinds.clear();
      const rows = counters.interfaces().filter(({ filter }) => !filter);
      for (const row of rows) kinds.set(row.name, kindOf(row));
      return rows.map(({ name, bytesIn, bytesOut }) => ({
        name,
        first: bytesIn,
        second: bytesOut,
      }));
    },
    kindOf: (name) => kinds.get(name) ?? 'layer',
    close() {},
  };
}

function kindOf({ type, hardware }: InterfaceCounters): InterfaceKind {
  if (type === loopback) return 'loopback';
  if (type === tunnel) return 'layer';
  // A virtual switch's own port and a VPN's adapter have no device; their bytes pass a card.
  return hardware ? 'physical' : 'plain';
}
