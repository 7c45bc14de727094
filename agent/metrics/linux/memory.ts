/**
 * Memory from /proc/meminfo (proc(5)); its kB are 1024 bytes.
 *
 * Used is total − available: page cache that can be dropped is not used. A kernel before 3.14 has
 * no MemAvailable, and nothing there stands in for it honestly.
 */
import { percentOf } from '../numbers.ts';
import { type Draft, markUnavailable, type Source } from '../source.ts';
import type { KeptFile } from './kept-file.ts';
import type { Scan } from './scan.ts';

const fields = {
  total: Buffer.from('MemTotal:'),
  available: Buffer.from('MemAvailable:'),
  swapTotal: Buffer.from('SwapTotal:'),
  swapFree: Buffer.from('SwapFree:'),
} as const;
type Field = keyof typeof fields;
const fieldNames: readonly Field[] = ['total', 'available', 'swapTotal', 'swapFree'];

/** Bytes; what the file does not have is absent. */
export type Meminfo = { [field in Field]?: number };

export function parseMeminfo(scan: Scan): Meminfo {
  const found: Meminfo = {};
  for (; !scan.ended; scan.nextLine()) {
    const field = fieldNames.find((name) => scan.take(fields[name]));
    if (field === undefined) continue;
    const kilobytes = scan.number();
    if (!Number.isNaN(kilobytes)) found[field] = kilobytes * 1024;
  }
  return found;
}

export function memorySource(file: KeptFile): Source {
  return {
    metrics: ['mem_pct', 'mem_total', 'mem_used', 'mem_available', 'swap_total', 'swap_used'],
    read(draft) {
      const meminfo = parseMeminfo(file.read());
      addMemory(draft, meminfo);
      addSwap(draft, meminfo);
    },
    close: () => file.close(),
  };
}

function addMemory(draft: Draft, { total, available }: Meminfo): void {
  if (total === undefined || total === 0) {
    const all = ['mem_pct', 'mem_total', 'mem_used', 'mem_available'];
    markUnavailable(draft, all, 'no MemTotal in /proc/meminfo');
    return;
  }
  draft.mem_total = total;
  if (available === undefined) {
    const reason = 'no MemAvailable in /proc/meminfo (a kernel before 3.14)';
    markUnavailable(draft, ['mem_pct', 'mem_used', 'mem_available'], reason);
    return;
  }
  const used = Math.max(0, total - available);
  draft.mem_available = available;
  draft.mem_used = used;
  draft.mem_pct = percentOf(used, total);
}

function addSwap(draft: Draft, { swapTotal, swapFree }: Meminfo): void {
  if (swapTotal === undefined || swapFree === undefined) {
    markUnavailable(draft, ['swap_total', 'swap_used'], 'no SwapTotal in /proc/meminfo');
    return;
  }
  draft.swap_total = swapTotal;
  draft.swap_used = Math.max(0, swapTotal - swapFree);
}
