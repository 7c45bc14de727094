/**
 * What the page shows is in the address, so that a reload, a bookmark or a colleague shows the same:
 * `#/?range=15&sort=-cpu&find=web`, `#/server/7?range=60`, `#/alerts?server=7` or `#/alerts/ID`.
 */
export const RANGES = [5, 15, 60] as const;
/** Minutes. */
export type Range = (typeof RANGES)[number];

export type View =
  | { readonly page: 'fleet' }
  | { readonly page: 'server'; readonly id: number }
  /** `server`: its alerts alone; null: all. */
  | { readonly page: 'alerts'; readonly server: number | null }
  | { readonly page: 'alert'; readonly id: string };

export interface Route {
  readonly view: View;
  readonly range: Range;
  /** Column of the fleet's table, `-` in front for the largest first; '' for the default. */
  readonly sort: string;
  readonly find: string;
}

export const HOME: Route = { view: { page: 'fleet' }, range: 5, sort: '', find: '' };
const findCharsMax = 128;

/** Any hash gives a route: what cannot be read falls back to the fleet's last five minutes. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  const asked = new URLSearchParams(query);
  const range = RANGES.find((minutes) => String(minutes) === asked.get('range'));
  return {
    view: parseView(path, asked),
    range: range ?? HOME.range,
    sort: /^-?[a-z_]{1,32}$/.test(asked.get('sort') ?? '') ? (asked.get('sort') ?? '') : '',
    find: (asked.get('find') ?? '').slice(0, findCharsMax),
  };
}

function parseView(path: string, asked: URLSearchParams): View {
  const server = /^\/server\/(\d{1,15})$/.exec(path)?.[1];
  if (server !== undefined) return { page: 'server', id: Number(server) };
  const alert = /^\/alerts\/([\w-]{1,64})$/.exec(path)?.[1];
  if (alert !== undefined) return { page: 'alert', id: alert };
  if (!/^\/alerts\/?$/.test(path)) return HOME.view;
  const of = /^\d{1,15}$/.exec(asked.get('server') ?? '')?.[0];
  return { page: 'alerts', server: of === undefined ? null : Number(of) };
}

export function formatRoute(route: Route): string {
  const { view } = route;
  const query = new URLSearchParams();
  if (view.page === 'alerts' && view.server !== null) query.set('server', String(view.server));
  if (route.range !== HOME.range) query.set('range', String(route.range));
  if (route.sort !== '') query.set('sort', route.sort);
  if (route.find !== '') query.set('find', route.find);
  const path = `#${pathOf(view)}`;
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

/** Where in the page a view is, without what merely narrows it. */
export function pathOf(view: View): string {
  switch (view.page) {
    case 'fleet':
      return '/';
    case 'server':
      return `/server/${view.id}`;
    case 'alerts':
      return '/alerts';
    case 'alert':
      return `/alerts/${view.id}`;
  }
}
