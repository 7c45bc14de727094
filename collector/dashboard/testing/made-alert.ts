/** Alerts for tests. */
import type { AlertSummary } from '../../api/contract.ts';

export function madeAlert(change: Partial<AlertSummary>): AlertSummary {
  return {
    id: 'aaaa',
    rule: 'cpu-high',
    severity: 'warning',
    server: 'pc-07',
    server_no: 7,
    state: 'firing',
    starts_at: 0,
    fired_at: 100,
    ended_at: null,
    reason: 'cpu_pct.avg 97.3 for 2m',
    processes: null,
    ...change,
  };
}
