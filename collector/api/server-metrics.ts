/** What /metrics tells of each live server: one series a server, up to a bound. */
import { Counter, Gauge, type OpenMetricsContentType, type Registry } from 'prom-client';
import type { DeliveryCounts } from '../ingest/counts.ts';

/** Servers told of, those known for longest: a scrape of more would hold everything else up. */
export const serversMax = 5_000;

export interface ServerFigures extends Readonly<DeliveryCounts> {
  readonly serverId: string;
  /** Undefined while nobody can tell. */
  readonly isUp: boolean | undefined;
  /** Null where the format does not tell. */
  readonly clockOffsetMs: number | null;
  readonly hasConflict: boolean;
  /** When the agent that sends now took its first sample, by the server's clock; null where it is not known. */
  readonly bootMs: number | null;
}

interface Family {
  readonly name: string;
  readonly help: string;
  /** Undefined where it is not known. */
  readonly read: (server: ServerFigures) => number | undefined;
}

const COUNTERS: readonly Family[] = [
  {
    name: 'windrow_server_samples_received',
    help: 'Samples of a server taken in, since its first one.',
    read: ({ received }) => received,
  },
  {
    name: 'windrow_server_samples_late',
    help: 'Samples of a server that came after a window of theirs was final.',
    read: ({ late }) => late,
  },
  {
    name: 'windrow_server_samples_duplicate',
    help: 'Samples of a server that had been received before.',
    read: ({ duplicates }) => duplicates,
  },
  {
    name: 'windrow_server_samples_lost',
    help: 'Samples that the server no longer has and that never came.',
    read: ({ lost }) => lost,
  },
];

const GAUGES: readonly Family[] = [
  {
    name: 'windrow_server_clock_offset_seconds',
    help: "The server's clock minus the collector's.",
    read: ({ clockOffsetMs }) => (clockOffsetMs === null ? undefined : clockOffsetMs / 1_000),
  },
  {
    name: 'windrow_server_up',
    help: '1 when the server was heard within the last 2 minutes.',
    read: ({ isUp }) => (isUp === undefined ? undefined : Number(isUp)),
  },
  {
    name: 'windrow_server_identity_conflict',
    help: '1 while two agents send under one server id.',
    read: ({ hasConflict }) => Number(hasConflict),
  },
  {
    name: 'windrow_server_boot_timestamp_seconds',
    help: "When a server's agent started, by the server's clock.",
    read: ({ bootMs }) => (bootMs === null ? undefined : bootMs / 1_000),
  },
];

/** @param servers those to tell of; what is beyond `serversMax` is left out */
export function addServerMetrics(
  registry: Registry<OpenMetricsContentType>,
  servers: () => Iterable<ServerFigures>,
): void {
  const common = { labelNames: ['server'], registers: [registry] };
  for (const { name, help, read } of COUNTERS) {
    const counter: Counter = new Counter({
      name,
      help,
      ...common,
      collect: () =>
        fill(counter, servers(), (labels, server) => counter.inc(labels, read(server))),
    });
  }
  for (const { name, help, read } of GAUGES) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      ...common,
      collect: () =>
        fill(gauge, servers(), (labels, server) => {
          const value = read(server);
          if (value !== undefined) gauge.set(labels, value);
        }),
    });
  }
}

/** Anew at each scrape: a server that is gone takes its series with it. */
function fill(
  metric: Counter | Gauge,
  servers: Iterable<ServerFigures>,
  set: (labels: { server: string }, server: ServerFigures) => void,
): void {
  metric.reset();
  let told = 0;
  for (const server of servers) {
    if (told >= serversMax) return;
    told += 1;
    set({ server: server.serverId }, server);
  }
}
