/** What must hold after every run. Each violation is a sentence. */
import type { StoredWindow } from '../../../collector/store/history.ts';
import type { Outcome } from '../outcome.ts';
import { alertViolations } from './alerts.ts';
import { fleetViolations } from './fleet.ts';
import { sampleViolations } from './samples.ts';
import { windowViolations } from './windows.ts';

/** Far above what they need, far below what grows without bound. */
const rssBytesMax = 256 * 1024 * 1024;

/** Of all servers; with fewer there would be nothing to compare. */
const finalWindowsMin = 3;

/** @param uninterrupted windows by server, of a collector that got the stored samples in order */
export function violationsOf(
  outcome: Outcome,
  uninterrupted: ReadonlyMap<string, readonly StoredWindow[]>,
): string[] {
  const { servers, complaints, quarantined, rssBytes } = outcome;
  return [
    ...servers.flatMap((server) => {
      const own = uninterrupted.get(server.serverId) ?? [];
      const violations = [...sampleViolations(server), ...windowViolations(server, own)];
      return violations.map((violation) => `${server.serverId}: ${violation}`);
    }),
    ...fleetViolations(outcome),
    ...alertViolations(outcome),
    ...(hasWindows(servers) ? [] : ['there are no windows to compare']),
    ...complaints,
    ...(quarantined === 0 ? [] : [`${quarantined} records were put aside as malformed`]),
    ...[...rssBytes]
      .filter(([, bytes]) => bytes > rssBytesMax)
      .map(([name, bytes]) => `${name} has grown to ${Math.round(bytes / 2 ** 20)} MiB`),
  ];
}

/** Windows that begin in the collector's future, by a clock that runs ahead, are not final yet. */
function hasWindows(servers: Outcome['servers']): boolean {
  const final = servers.flatMap(({ windows }) => windows.filter((window) => window.final));
  return final.length >= finalWindowsMin || servers.every(({ clockStepped }) => clockStepped);
}
