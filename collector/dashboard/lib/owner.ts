/** Links to other collectors. Pure. */
import type { ServerOwner } from '../../api/contract.ts';
import { formatRoute, HOME, type Range } from './route.ts';

/** Where a page was opened. */
export type Here = Pick<Location, 'origin' | 'hostname' | 'port'>;

/** The server's page at its collector; null where its address leads elsewhere from here, or is no place on the web. */
export function pageOf({ url, id }: ServerOwner, range: Range, here: Here): string | null {
  const parsed = URL.parse(url);
  // The address came over the wire: nothing else may stand behind a link.
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return null;
  if (!leadsThere(parsed, here)) return null;
  parsed.hash = formatRoute({ ...HOME, view: { page: 'server', id }, range });
  return parsed.href;
}

/**
 * Loopback is the reader's own machine, and what is found under the page's own address is this
 * collector, where that number is another server's.
 */
function leadsThere(there: URL, here: Here): boolean {
  if (!isLoopback(there.hostname)) return there.origin !== here.origin;
  return isLoopback(here.hostname) && there.port !== here.port;
}

function isLoopback(hostname: string): boolean {
  return /^(?:localhost|\[::1\]|127\.\d+\.\d+\.\d+)$/.test(hostname);
}
