/** Exports without a report: everything there is, as flat rows with one name for each column. */
import { METRICS } from '../../wire/metrics.ts';
import type { Transition } from '../alerts/alert.ts';
import { type Cell, csvLine } from '../reports/report.ts';
import { FLEET_AGGREGATES } from '../windows/fleet.ts';
import { AGGREGATES } from '../windows/window.ts';
import type { StoredFleetWindow, StoredSample, StoredWindow } from '../store/history.ts';
import type { StoredQuarantine } from '../store/quarantine.ts';

export type FlatRow = Readonly<Record<string, Cell>>;

/** A kind of export: its columns, and how one stored thing becomes a row of them. */
export interface Table<T> {
  readonly columns: readonly string[];
  readonly row: (stored: T) => readonly Cell[];
}

export const WINDOWS_TABLE: Table<StoredWindow> = {
  columns: [
    'server_id',
    'source',
    'window_start',
    'window_end',
    'samples',
    'final',
    'incomplete',
    'warm_up',
    ...METRICS.flatMap((metric) => AGGREGATES.map((name) => `${metric}_${name}`)),
  ],
  row: (window) => [
    window.serverId,
    window.replayId || 'live',
    iso(window.startMs),
    iso(window.endMs),
    window.samples,
    Number(window.final),
    Number(window.incomplete),
    Number(window.warmUp),
    ...METRICS.flatMap((_, i) => AGGREGATES.map((name) => window.aggregates[i]?.[name] ?? null)),
  ],
};

export const FLEET_TABLE: Table<StoredFleetWindow> = {
  columns: [
    'window_start',
    'window_end',
    'servers',
    'samples',
    ...METRICS.flatMap((metric) => FLEET_AGGREGATES.map((name) => `${metric}_${name}`)),
  ],
  row: (window) => [
    iso(window.startMs),
    iso(window.endMs),
    window.servers,
    window.samples,
    ...METRICS.flatMap((_, i) =>
      FLEET_AGGREGATES.map((name) => window.aggregates[i]?.[name] ?? null),
    ),
  ],
};

export const SAMPLES_TABLE: Table<StoredSample> = {
  columns: ['server_id', 'ts', 'boot_id', 'seq', ...METRICS],
  row: (sample) => [sample.serverId, iso(sample.tsMs), sample.bootId, sample.seq, ...sample.values],
};

export const ALERTS_TABLE: Table<Transition> = {
  columns: [
    'time',
    'kind',
    'rule',
    'server_id',
    'severity',
    'starts_at',
    'reason',
    'values',
    'processes',
    'id',
  ],
  row: (transition) => [
    iso(transition.atMs),
    transition.kind,
    transition.rule,
    transition.server,
    transition.severity,
    iso(transition.startsAtMs),
    transition.reason,
    transition.window === null ? null : JSON.stringify(transition.window.values),
    transition.processes,
    transition.id,
  ],
};

export const QUARANTINE_TABLE: Table<StoredQuarantine> = {
  columns: ['time', 'from', 'topic', 'reason', 'record'],
  row: ({ atMs, remote, topic, reason, body }) => [iso(atMs), remote, topic, reason, body],
};

export function* tableCsv<T>(table: Table<T>, stored: Iterable<T>): Generator<string> {
  yield csvLine(table.columns);
  for (const item of stored) yield csvLine(table.row(item));
}

export function* tableRows<T>(table: Table<T>, stored: Iterable<T>): Generator<FlatRow> {
  for (const item of stored) {
    const cells = table.row(item);
    yield Object.fromEntries(table.columns.map((column, i) => [column, cells[i] ?? null]));
  }
}

function iso(tsMs: number): string {
  return new Date(tsMs).toISOString();
}
