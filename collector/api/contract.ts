/**
 * What the page and the collector say to each other: types alone, so that the page's bundle holds
 * nothing of the collector. All times are ms since the epoch; a value that is unavailable is null.
 */
import type { DetailLine } from '../store/queries.ts';
import type { METRICS } from '../../wire/metrics.ts';
import type { Inventory } from '../../wire/records/inventory.ts';
import type { Sample } from '../../wire/records/sample.ts';

export type { DetailLine } from '../store/queries.ts';

/** In the order of METRICS. */
export type MetricValues = readonly (number | null)[];

/** `up`: heard within the last 2 minutes; `silent`: not, without a goodbye; `off`: said goodbye. */
export type ServerState = 'up' | 'silent' | 'off';

export interface ServerSummary {
  /** The collector's number of this source: stable, and what the other routes take. */
  readonly id: number;
  readonly server_id: string;
  readonly state: ServerState;
  /** Its clock is more than 5 s off, so it is kept out of the fleet's windows. */
  readonly skewed: boolean;
  readonly clock_offset_ms: number | null;
  /** Comes from a replayed file. */
  readonly replayed: boolean;
  readonly last_seen_ms: number;
  readonly ts: number;
  readonly values: MetricValues;
}

/** GET /api/fleet */
export interface FleetView {
  readonly version: string;
  readonly now: number;
  readonly metrics: typeof METRICS;
  /** Every server that the store knows, the most recently heard first; at most 1,000. */
  readonly servers: readonly ServerSummary[];
}

/** Mean and maximum over the span asked for. */
export interface MeanMax {
  readonly avg: number | null;
  readonly max: number | null;
}

/** GET /api/fleet/series?minutes=5|15|60 */
export interface FleetSeries {
  /** The points' times, `step_ms` apart. */
  readonly times: readonly number[];
  readonly step_ms: number;
  /**
   * Servers seen in the last 2 minutes, by name; at most 1,000, and the first 200 of them with
   * lines: `cpu` and `mem` are means over a step, or empty.
   */
  readonly servers: readonly {
    readonly id: number;
    readonly server_id: string;
    readonly cpu: readonly (number | null)[];
    readonly mem: readonly (number | null)[];
    readonly cpu_summary: MeanMax;
    readonly mem_summary: MeanMax;
  }[];
}

/** GET /api/servers/:id/series?minutes=5|15|60 */
export interface ServerSeries {
  readonly times: readonly number[];
  readonly step_ms: number;
  /** Means over a step. */
  readonly values: Readonly<
    Record<(typeof METRICS)[number] | DetailLine, readonly (number | null)[]>
  >;
}

/** GET /api/servers/:id */
export interface ServerView {
  readonly summary: ServerSummary;
  readonly inventory: Inventory | null;
  /** The newest sample whole. */
  readonly sample: Sample | null;
  /** The newest top processes and when they were taken (they come less often than samples). */
  readonly processes: {
    readonly ts: number;
    readonly list: NonNullable<Sample['processes']>;
  } | null;
}

/**
 * GET /api/events[?server=ID]: server-sent events. Each has an id; on reconnect the browser sends
 * the last one and gets what it missed, or `reset` when that is no longer kept (then: load anew).
 */
export interface Events {
  /** New samples since the last event, all servers, a row each: [id, ts, …values in METRICS order]. */
  readonly samples: readonly (readonly (number | null)[])[];
  /** The newest whole sample of the server named in the query. */
  readonly detail: { readonly id: number; readonly sample: Sample };
  /** A server that is new or whose state changed. */
  readonly server: ServerSummary;
  /** Something a person should see: a connection test received, say. */
  readonly notice: { readonly ts: number; readonly text: string };
  /** What was missed is not kept any more: load everything anew. */
  readonly reset: { readonly now: number };
}
