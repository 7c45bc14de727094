/** Notices as the engine makes them. */
import { noonMs } from '../../../runtime/testing/manual-clock.ts';
import type { AlertNotice } from '../alert.ts';
import { alertId, fingerprintOf } from '../identity.ts';

const minuteMs = 60_000;

/** A firing of `cpu-high` on pc-1 that began at noon and fired two minutes later; or what is said of it. */
export function madeNotice(parts: Partial<AlertNotice> = {}): AlertNotice {
  const rule = parts.rule ?? 'cpu-high';
  const server = parts.server ?? 'pc-1';
  const startsAtMs = parts.startsAtMs ?? noonMs;
  const labels = { alertname: rule, server, severity: 'critical', team: 'room-1' };
  return {
    id: alertId(rule, server, startsAtMs),
    rule,
    server,
    status: 'firing',
    startsAtMs,
    endsAtMs: null,
    severity: 'critical',
    labels,
    annotations: {
      summary: `${server}: CPU above 90 % for two minutes.`,
      description: 'cpu_pct.avg 97.3 for 2m',
      processes: 'make 61 %',
    },
    fingerprint: fingerprintOf(labels),
    transitionAtMs: startsAtMs + 2 * minuteMs,
    enqueuedMs: startsAtMs + 2 * minuteMs,
    ...parts,
  };
}

/** The end of that alert, five minutes after it began. */
export function resolveOf(firing: AlertNotice, parts: Partial<AlertNotice> = {}): AlertNotice {
  const endsAtMs = firing.startsAtMs + 5 * minuteMs;
  return {
    ...firing,
    status: 'resolved',
    endsAtMs,
    transitionAtMs: endsAtMs,
    enqueuedMs: endsAtMs,
    ...parts,
  };
}
