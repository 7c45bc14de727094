/** The fleet's windows are those of the stored windows of its servers, by definition. */
import { isDeepStrictEqual } from 'node:util';
import type { StoredFleetWindow, StoredWindow } from '../../../collector/store/history.ts';
import type { FleetAggregate } from '../../../collector/windows/fleet.ts';
import { sumByDefinition } from '../../../collector/windows/testing/exact.ts';
import type { Aggregate } from '../../../collector/windows/window.ts';
import { METRICS } from '../../../wire/metrics.ts';
import type { Outcome } from '../outcome.ts';

export function fleetViolations({ servers, fleet }: Outcome): string[] {
  // A server whose clock was off is left out of those windows that came while it was known to be.
  if (servers.some(({ clockStepped }) => clockStepped)) return [];
  return wrongFleetWindows(
    fleet,
    servers.flatMap(({ windows }) => windows),
  );
}

/** @param windows of all servers */
export function wrongFleetWindows(
  fleet: readonly StoredFleetWindow[],
  windows: readonly StoredWindow[],
): string[] {
  const stored = Map.groupBy(windows, ({ startMs }) => startMs);
  const expected = [...stored.values()].map(byDefinition);
  const starts = new Set([...fleet, ...expected].map(({ startMs }) => startMs));
  return [...starts].flatMap((startMs) => {
    const found = fleet.filter((window) => window.startMs === startMs);
    const wanted = expected.filter((window) => window.startMs === startMs);
    if (isDeepStrictEqual(found, wanted)) return [];
    return [`the fleet's window is ${JSON.stringify(found)}, and not ${JSON.stringify(wanted)}`];
  });
}

/** @param windows of one start, at least one */
function byDefinition(windows: readonly StoredWindow[]): StoredFleetWindow {
  return {
    startMs: windows[0]!.startMs,
    endMs: windows[0]!.endMs,
    servers: windows.length,
    samples: windows.reduce((sum, { samples }) => sum + samples, 0),
    aggregates: METRICS.map((_, metric) =>
      aggregateOf(windows.flatMap(({ aggregates }) => aggregates[metric] ?? [])),
    ),
  };
}

function aggregateOf(ofServers: readonly Aggregate[]): FleetAggregate | null {
  const servers = ofServers.length;
  if (servers === 0) return null;
  const averages = ofServers.map(({ avg }) => avg).sort((a, b) => a - b);
  // The smallest average with at least that share of the averages not above it.
  const quantile = (percent: number): number =>
    averages.find((_, i) => (i + 1) * 100 >= percent * servers)!;
  return {
    servers,
    avg: sumByDefinition(averages) / servers,
    min: averages[0]!,
    max: averages[servers - 1]!,
    p50: quantile(50),
    p95: quantile(95),
    p99: quantile(99),
    peak: Math.max(...ofServers.map(({ max }) => max)),
    sum: sumByDefinition(ofServers.map(({ sum }) => sum)),
  };
}
