/**
 * Memory from GlobalMemoryStatusEx (`os.totalmem`, `os.freemem`): available is what can be had
 * without writing anything to the page file first, cached files included, as on Linux. Swap is the
 * page files.
 */
import type { WindowsCounters } from '../../../native/windows/addon.ts';
import { percentOf, wholeAmount } from '../numbers.ts';
import { type Draft, markUnavailable, reasonOf, type Source } from '../source.ts';

export interface Memory {
  readonly totalBytes: () => number;
  readonly freeBytes: () => number;
}

export function memorySource(memory: Memory, counters: Pick<WindowsCounters, 'pageFiles'>): Source {
  return {
    metrics: ['mem_pct', 'mem_total', 'mem_used', 'mem_available', 'swap_total', 'swap_used'],
    read(draft) {
      addMemory(draft, memory);
      addSwap(draft, counters);
    },
    close() {},
  };
}

function addMemory(draft: Draft, { totalBytes, freeBytes }: Memory): void {
  const total = totalBytes();
  const available = freeBytes();
  const used = Math.max(0, total - available);
  draft.mem_total = total;
  draft.mem_available = available;
  draft.mem_used = used;
  draft.mem_pct = percentOf(used, total);
}

/** Apart: where Windows does not tell it, memory is there all the same. */
function addSwap(draft: Draft, counters: Pick<WindowsCounters, 'pageFiles'>): void {
  try {
    const { bytes, usedBytes } = counters.pageFiles();
    draft.swap_total = wholeAmount(bytes);
    draft.swap_used = wholeAmount(usedBytes);
  } catch (error) {
    markUnavailable(draft, ['swap_total', 'swap_used'], reasonOf(error));
  }
}
