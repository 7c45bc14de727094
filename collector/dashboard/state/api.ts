/** The collector's REST routes. Addresses are relative: the page may live behind a proxy's path. */
import type {
  AlertsView,
  AlertView,
  FleetSeries,
  FleetView,
  IntakeView,
  ServerSeries,
  ServerView,
  TransfersView,
} from '../../api/contract.ts';
import type { Range } from '../lib/route.ts';

export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

/** Whether the collector said that it has nothing of that name. */
export function isUnknown(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

async function get<Body>(path: string, signal: AbortSignal): Promise<Body> {
  const response = await fetch(path, { signal, headers: { accept: 'application/json' } });
  if (!response.ok) {
    throw new ApiError(response.status, await reasonOf(response));
  }
  // The contract is shared by type; the collector is the same program that served this page.
  const body: Body = await response.json();
  return body;
}

/** The collector says in `error` what is wrong and what helps; a proxy before it says something else. */
async function reasonOf(response: Response): Promise<string> {
  const said: unknown = await response.json().catch(() => undefined);
  const reason = said instanceof Object && 'error' in said ? String(said.error) : '';
  return `The collector answered ${response.status}${reason === '' ? '' : `: ${reason}`}.`;
}

export const getFleet = (signal: AbortSignal): Promise<FleetView> => get('api/fleet', signal);

export const getIntake = (signal: AbortSignal): Promise<IntakeView> => get('api/intake', signal);

export const getTransfers = (signal: AbortSignal): Promise<TransfersView> =>
  get('api/transfers', signal);

export const getFleetSeries = (range: Range, signal: AbortSignal): Promise<FleetSeries> =>
  get(`api/fleet/series?minutes=${range}`, signal);

export const getServer = (id: number, signal: AbortSignal): Promise<ServerView> =>
  get(`api/servers/${id}`, signal);

export const getServerSeries = (
  id: number,
  range: Range,
  signal: AbortSignal,
): Promise<ServerSeries> => get(`api/servers/${id}/series?minutes=${range}`, signal);

/** @param server of this one alone; null: of all */
export const getAlerts = (server: number | null, signal: AbortSignal): Promise<AlertsView> =>
  get(server === null ? 'api/alerts' : `api/alerts?server=${server}`, signal);

export const getAlert = (id: string, signal: AbortSignal): Promise<AlertView> =>
  get(`api/alerts/${id}`, signal);
