/** Links to other collectors. Pure. */
import type { ServerOwner } from '../../api/contract.ts';
import { formatRoute, HOME, type Range } from './route.ts';

/** The server's page at its collector; null where the address is no place on the web. */
export function pageOf({ url, id }: ServerOwner, range: Range): string | null {
  const parsed = URL.parse(url);
  // The address came over the wire: nothing else may stand behind a link.
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return null;
  parsed.hash = formatRoute({ ...HOME, view: { page: 'server', id }, range });
  return parsed.href;
}
