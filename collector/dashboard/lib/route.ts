/**
 * What the page shows is in the address, so that a reload, a bookmark or a colleague shows the same:
 * `#/?range=15&sort=-cpu&find=web` or `#/server/7?range=60`.
 */
export const RANGES = [5, 15, 60] as const;
/** Minutes. */
export type Range = (typeof RANGES)[number];

export interface Route {
  /** null: the fleet. */
  readonly server: number | null;
  readonly range: Range;
  /** Column of the fleet's table, `-` in front for the largest first; '' for the default. */
  readonly sort: string;
  readonly find: string;
}

export const HOME: Route = { server: null, range: 5, sort: '', find: '' };
const findCharsMax = 128;

/** Any hash gives a route: what cannot be read falls back to the fleet's last five minutes. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  const asked = new URLSearchParams(query);
  const id = /^\/server\/(\d{1,15})$/.exec(path)?.[1];
  const range = RANGES.find((minutes) => String(minutes) === asked.get('range'));
  return {
    server: id === undefined ? null : Number(id),
    range: range ?? HOME.range,
    sort: /^-?[a-z_]{1,32}$/.test(asked.get('sort') ?? '') ? (asked.get('sort') ?? '') : '',
    find: (asked.get('find') ?? '').slice(0, findCharsMax),
  };
}

export function formatRoute(route: Route): string {
  const query = new URLSearchParams();
  if (route.range !== HOME.range) query.set('range', String(route.range));
  if (route.sort !== '') query.set('sort', route.sort);
  if (route.find !== '') query.set('find', route.find);
  const path = route.server === null ? '#/' : `#/server/${route.server}`;
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}
