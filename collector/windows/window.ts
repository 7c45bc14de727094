/** What the engine makes of the samples of one source in one window. */

/**
 * One metric over one window, from the window's own values.
 *
 * - `sum` is the exact sum of the values, rounded once to the nearest double;
 *   `avg` is that sum divided by `count`.
 * - `last` is the value of the newest time; of several values at that time the largest.
 * - `p50`, `p95` and `p99` are nearest-rank quantiles: the smallest value such that at least that
 *   share of the values are not above it. They are null when a pane of the window got more rows
 *   than are kept (`paneRowsMax`); the other figures stay exact.
 */
export interface Aggregate {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly avg: number;
  readonly last: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** The figures of an Aggregate, in the order in which they are stored and exported. Append-only. */
export const AGGREGATES = [
  'count',
  'sum',
  'min',
  'max',
  'avg',
  'last',
  'p50',
  'p95',
  'p99',
] as const satisfies readonly (keyof Aggregate)[];

/** The window [startMs, endMs) of one source. Only windows that hold samples exist. */
export interface ServerWindow {
  readonly source: number;
  readonly startMs: number;
  readonly endMs: number;
  /** Rows in the window, whatever they carried. */
  readonly samples: number;
  /** In the order of the values given; null when no row of the window has that metric. */
  readonly aggregates: readonly (Aggregate | null)[];
  /** False: a later, final window of the same start replaces this one. */
  readonly final: boolean;
  /** Made final by force (pane retention) while samples of it could still come. */
  readonly incomplete: boolean;
  /** Begins before the source's first pane, so it cannot be full. */
  readonly warmUp: boolean;
}
