/** What /metrics tells of notifications: one series for each notifier and outcome. */
import { Counter, Gauge, Histogram, type OpenMetricsContentType, type Registry } from 'prom-client';
import type { DeliveryObserver } from '../alerts/delivery.ts';

/** @param waiting how many notices wait, by notifier @returns what is to be told of each delivery */
export function addNotificationMetrics(
  registry: Registry<OpenMetricsContentType>,
  waiting: () => ReadonlyMap<string, number>,
): DeliveryObserver {
  const registers = [registry];
  const outcomes = new Counter({
    name: 'windrow_notifications',
    help: 'Notices about alerts, by what became of them.',
    labelNames: ['notifier', 'outcome'],
    registers,
  });
  const gauge: Gauge = new Gauge({
    name: 'windrow_notifications_waiting',
    help: 'Notices that wait for their notifier.',
    labelNames: ['notifier'],
    registers,
    collect: () => {
      // Anew: a notifier that is gone takes its series with it.
      gauge.reset();
      for (const [notifier, notices] of waiting()) gauge.set({ notifier }, notices);
    },
  });
  const delay = new Histogram({
    name: 'windrow_notification_delay_seconds',
    help: 'From an alert firing or being resolved to its notification being taken.',
    buckets: [0.25, 0.5, 0.75, 1, 1.5, 2, 5, 10, 60, 600, 3600],
    registers,
  });
  return {
    settled(notifier, outcome, notices) {
      outcomes.inc({ notifier, outcome: outcome.replace(' ', '_') }, notices);
    },
    delayed: (ms) => delay.observe(Math.max(0, ms) / 1000),
  };
}
