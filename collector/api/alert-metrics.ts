/** Alerts on /metrics. */
import { Counter, Gauge, type OpenMetricsContentType, type Registry } from 'prom-client';
import type { AlertEngine } from '../alerts/engine.ts';

export type AlertFigures = Pick<AlertEngine, 'active' | 'rules' | 'counts'>;

/** Every rule is there with 0, so that a first alert is seen as a change. */
export function addAlertMetrics(
  registry: Registry<OpenMetricsContentType>,
  read: () => AlertFigures,
): void {
  const registers = [registry];
  const active = new Gauge({
    name: 'windrow_alerts',
    help: 'Active alerts, by rule and state.',
    labelNames: ['rule', 'state'],
    registers,
    collect: () => {
      active.reset();
      const { rules } = read();
      for (const rule of rules.keys()) {
        active.set({ rule, state: 'pending' }, 0);
        active.set({ rule, state: 'firing' }, 0);
      }
      for (const { rule, kind } of read().active()) active.inc({ rule, state: kind });
    },
  });
  const transitions = new Counter({
    name: 'windrow_alert_transitions',
    help: 'Steps that alerts took, by rule and kind.',
    labelNames: ['rule', 'kind'],
    registers,
    collect: () => {
      transitions.reset();
      for (const [rule, counts] of read().counts) {
        for (const [kind, count] of Object.entries(counts)) transitions.inc({ rule, kind }, count);
      }
    },
  });
}
