/** What a summary means at this moment, and the fleet's headline figures. Pure. */
import type { ServerState, ServerSummary } from '../../api/contract.ts';
import type { MetricName } from '../../../wire/metrics.ts';

/** Heard within this time a server counts as up; the collector's own rule, kept between its events. */
export const upWithinMs = 2 * 60_000;

const columnOf: Readonly<Record<MetricName, number>> = {
  cpu_pct: 0,
  mem_pct: 1,
  net_in: 2,
  net_out: 3,
  disk_io: 4,
  disk_used_pct: 5,
};

export function valueOf(summary: ServerSummary, metric: MetricName): number | null {
  return summary.values[columnOf[metric]] ?? null;
}

/** The state now: silence needs no message to begin. */
export function stateAt(summary: ServerSummary, nowMs: number): ServerState {
  if (summary.state !== 'up') return summary.state;
  return nowMs - summary.last_seen_ms > upWithinMs ? 'silent' : 'up';
}

/** A value as of now: of a server that does not report, the last one is not shown as if it held. */
export function currentValue(
  summary: ServerSummary,
  metric: MetricName,
  nowMs: number,
): number | null {
  return stateAt(summary, nowMs) === 'up' ? valueOf(summary, metric) : null;
}

export interface Extreme {
  readonly avg: number | null;
  readonly max: number | null;
  /** Which server has the maximum. */
  readonly at: ServerSummary | null;
}

export interface Headline {
  readonly up: number;
  readonly silent: number;
  readonly off: number;
  readonly replayed: number;
  readonly cpu: Extreme;
  readonly mem: Extreme;
  readonly disk: Extreme;
  /** Bytes a second, of all servers that are up; null when none of them tells it. */
  readonly netIn: number | null;
  readonly netOut: number | null;
}

/** Replayed servers report times gone by, so they are counted apart and are in no figure of now. */
export function headline(servers: readonly ServerSummary[], nowMs: number): Headline {
  const live = servers.filter((server) => !server.replayed);
  const count = (state: ServerState): number =>
    live.filter((server) => stateAt(server, nowMs) === state).length;
  const up = live.filter((server) => stateAt(server, nowMs) === 'up');
  return {
    up: up.length,
    silent: count('silent'),
    off: count('off'),
    replayed: servers.length - live.length,
    cpu: extreme(up, 'cpu_pct'),
    mem: extreme(up, 'mem_pct'),
    disk: extreme(up, 'disk_used_pct'),
    netIn: total(up, 'net_in'),
    netOut: total(up, 'net_out'),
  };
}

function extreme(servers: readonly ServerSummary[], metric: MetricName): Extreme {
  let sum = 0;
  let known = 0;
  let max: number | null = null;
  let at: ServerSummary | null = null;
  for (const server of servers) {
    const value = valueOf(server, metric);
    if (value === null) continue;
    sum += value;
    known += 1;
    if (max === null || value > max) {
      max = value;
      at = server;
    }
  }
  return { avg: known === 0 ? null : sum / known, max, at };
}

function total(servers: readonly ServerSummary[], metric: MetricName): number | null {
  const values = servers.map((server) => valueOf(server, metric)).filter((value) => value !== null);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}

const byNumberInName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** node-2 before node-10. */
export function compareNames(one: string, other: string): number {
  return byNumberInName.compare(one, other);
}
