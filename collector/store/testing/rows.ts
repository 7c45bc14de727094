/** Rows for the store's tests. */
import type { DatabaseSync } from 'node:sqlite';
import { METRICS } from '../../../wire/metrics.ts';
import { type Aggregate, AGGREGATES, type ServerWindow } from '../../windows/window.ts';
import type { Group, SourceRow } from '../group.ts';
import type { SampleRow } from '../sample-rows.ts';

export function sampleRow(row: Partial<SampleRow> & { readonly tsMs: number }): SampleRow {
  return {
    sourceNo: 1,
    bootNo: null,
    seq: null,
    values: METRICS.map((_, i) => i + 1),
    ...row,
  };
}

/** Puts a sample into the group, and what it says beside its metrics. */
export function addSample(
  group: Group,
  { detail, ...row }: Parameters<typeof sampleRow>[0] & { readonly detail?: string | undefined },
): void {
  const sample = sampleRow(row);
  const { sourceNo, tsMs } = sample;
  group.samples.push(sample);
  if (detail !== undefined) group.details.push({ sourceNo, tsMs, detail });
}

export function sourceRow(row: Partial<SourceRow> & { readonly sourceNo: number }): SourceRow {
  return {
    serverId: `server-${row.sourceNo}`,
    replayId: '',
    originMs: 0,
    lastSeenMs: 0,
    state: '{}',
    ...row,
  };
}

export function aggregateOf(value: number): Aggregate {
  const figures = { min: value, max: value, avg: value, last: value };
  return { count: 1, sum: value, ...figures, p50: value, p95: value, p99: value };
}

/** A window's aggregates as they were stored before there was `windows.figures`. */
export function jsonOf(aggregates: readonly (Aggregate | null)[]): string {
  return JSON.stringify(aggregates.map((entry) => entry && AGGREGATES.map((name) => entry[name])));
}

export function windowRow(
  row: Partial<ServerWindow> & { readonly source: number; readonly startMs: number },
): ServerWindow {
  return {
    endMs: row.startMs + 30_000,
    samples: 1,
    aggregates: METRICS.map((_, i) => aggregateOf(row.source + i / 10)),
    final: true,
    incomplete: false,
    warmUp: false,
    ...row,
  };
}

/** How many rows a query finds. */
export function count(db: DatabaseSync, from: string): number {
  return Number(db.prepare(`SELECT count(*) AS n FROM ${from}`).get()?.['n']);
}
