/** What a list of alerts says, and its order. Pure. */
import type { AlertSummary } from '../../api/contract.ts';
import { compareNames } from './servers.ts';

type Severity = AlertSummary['severity'];

const severityRank: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 };
/** An alert passes these in order; it ends in one of two ways. */
const stateRank: Readonly<Record<AlertSummary['state'], number>> = {
  pending: 0,
  firing: 1,
  resolved: 2,
  dropped: 2,
};

/** Of two reports of one alert the newer; `reported` when they tell the same. */
export function furtherOn(known: AlertSummary, reported: AlertSummary): AlertSummary {
  return stateRank[reported.state] < stateRank[known.state] ? known : reported;
}

export function isActive({ state }: AlertSummary): boolean {
  return state === 'firing' || state === 'pending';
}

/** Since when it is what it is now. */
export function sinceMs(alert: AlertSummary): number {
  return alert.ended_at ?? alert.fired_at ?? alert.starts_at;
}

/** For active ones. None of what it compares changes while an alert stays in its state. */
export function worstFirst(one: AlertSummary, other: AlertSummary): number {
  return severityRank[one.severity] - severityRank[other.severity] || newestFirst(one, other);
}

/** A room that was cut off at once stands in the order of its names. */
export function newestFirst(one: AlertSummary, other: AlertSummary): number {
  return (
    sinceMs(other) - sinceMs(one) ||
    compareNames(one.server, other.server) ||
    (one.id < other.id ? -1 : 1)
  );
}

export function subjectOf({ server }: Pick<AlertSummary, 'server'>): string {
  return server === '' ? 'the fleet' : server;
}

/** What was on top when it fired; '' where that is not known. */
export function processesText({ processes }: Pick<AlertSummary, 'processes'>): string {
  return processes === null ? '' : `Top processes then: ${processes}`;
}

/** `2 critical, 1 warning`; '' for none. */
export function severityCounts(alerts: readonly AlertSummary[]): string {
  const counts = Map.groupBy(alerts, ({ severity }) => severity);
  return [...counts]
    .sort(([one], [other]) => severityRank[one] - severityRank[other])
    .map(([severity, each]) => `${each.length} ${severity}`)
    .join(', ');
}

/** Names in one message; the rest is counted. */
const toldMax = 3;

/** What to tell a person of alerts that began to fire together, of which there is at least one. */
export function firedText(alerts: readonly AlertSummary[]): string {
  const named = alerts.map((alert) => `${alert.rule} on ${subjectOf(alert)}`);
  const [first] = alerts;
  if (first !== undefined && alerts.length === 1) {
    return `${first.severity}: ${named[0] ?? ''} fires: ${first.reason}`;
  }
  const rest = named.length - toldMax;
  const more = rest > 0 ? ` and ${rest} more` : '';
  return `${alerts.length} alerts fire: ${named.slice(0, toldMax).join(', ')}${more}`;
}
