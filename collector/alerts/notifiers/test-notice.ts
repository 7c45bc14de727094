/** A notification that says of itself that it is a test. */
import type { AlertNotice } from '../alert.ts';
import { alertId, fingerprintOf } from '../identity.ts';
import type { Notification } from './port.ts';

/** A receiver that waits for a resolve may forget it after this. */
const lastsMs = 5 * 60 * 1000;

/** @param host of the machine on which it is sent @param nowMs the clock's wall time */
export function testNotification(host: string, nowMs: number): Notification {
  const rule = 'windrow-test';
  const labels = { alertname: rule, server: host, severity: 'info' };
  const id = alertId(rule, host, nowMs);
  const notice: AlertNotice = {
    id,
    rule,
    server: host,
    status: 'firing',
    startsAtMs: nowMs,
    endsAtMs: nowMs + lastsMs,
    severity: 'info',
    labels,
    annotations: {
      summary: `TEST: windrow on ${host} can reach you; nothing is wrong.`,
      description: 'Sent by hand: windrow-collector notify test',
    },
    fingerprint: fingerprintOf(labels),
    transitionAtMs: nowMs,
    enqueuedMs: nowMs,
  };
  return { key: `test-${id}`, notices: [notice] };
}
