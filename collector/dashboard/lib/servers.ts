/** What a summary means at this moment, and the fleet's headline figures. Pure. */
import type { Deafness, ServerState, ServerSummary } from '../../api/contract.ts';
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

/** `unknown`: it was up when the collector ceased to hear anybody, and could not be heard for long enough since. */
export type ShownState = ServerState | 'unknown';

export function isUp({ state, last_seen_ms: seenMs }: ServerSummary, nowMs: number): boolean {
  return state === 'up' && nowMs - seenMs <= upWithinMs;
}

/** The state now: silence needs no message to begin, and only time in which we could hear makes it. */
export function stateAt(
  summary: ServerSummary,
  nowMs: number,
  deaf: readonly Deafness[],
): ShownState {
  const { state, last_seen_ms: seenMs, owner } = summary;
  if (state === 'off' || state === 'decommissioned') return state;
  if (isUp(summary, nowMs)) return 'up';
  const ofIt = deaf.filter(({ others }) => others !== true || owner !== null);
  const deafMs = ofIt.reduce((sum, { since_ms: sinceMs, through_ms: throughMs }) => {
    return sum + Math.max(0, (throughMs ?? nowMs) - Math.max(sinceMs, seenMs));
  }, 0);
  return deafMs > 0 && nowMs - seenMs - deafMs <= upWithinMs ? 'unknown' : 'silent';
}

/** A value as of now: of a server that does not report, the last one is not shown as if it held. */
export function currentValue(
  summary: ServerSummary,
  metric: MetricName,
  nowMs: number,
): number | null {
  return isUp(summary, nowMs) ? valueOf(summary, metric) : null;
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
  readonly unknown: number;
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
export function headline(
  servers: readonly ServerSummary[],
  nowMs: number,
  deaf: readonly Deafness[],
): Headline {
  const live = servers.filter((server) => !server.replayed);
  const count = (state: ShownState): number =>
    live.filter((server) => stateAt(server, nowMs, deaf) === state).length;
  const up = live.filter((server) => isUp(server, nowMs));
  return {
    up: up.length,
    silent: count('silent'),
    unknown: count('unknown'),
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
