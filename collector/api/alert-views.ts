/** What the page shows of alerts: which there are, and why. See contract.ts. */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../runtime/clock.ts';
import { type Alert, alertAt, type Transition } from '../alerts/alert.ts';
import { deliveriesOf } from '../alerts/deliveries.ts';
import type { AlertEngine } from '../alerts/engine.ts';
import { facts, judge } from '../alerts/judge.ts';
import type { Rule } from '../alerts/rules/rule.ts';
import { pastAlerts, transitionsOf, windowsAround } from '../alerts/store.ts';
import { durationText } from '../alerts/wording.ts';
import type { Registry } from '../ingest/registry.ts';
import type { Source } from '../ingest/source.ts';
import type { AlertSummary, AlertsView, AlertView } from './contract.ts';

const activeMax = 1_000;
const pastMax = 200;
const windowsMax = 200;
/** Windows shown on each side of what the alert is about. */
const marginMs = 2 * 60_000;

export interface AlertViewsOptions {
  readonly engine: AlertEngine;
  readonly registry: Registry;
  /** A connection that cannot write. */
  readonly db: DatabaseSync;
  readonly clock: Clock;
  /** Active alerts that other collectors judge. */
  readonly others: () => Iterable<Alert>;
}

export class AlertViews {
  readonly #options: AlertViewsOptions;

  constructor(options: AlertViewsOptions) {
    this.#options = options;
  }

  all(): AlertsView {
    return this.#list(undefined);
  }

  /** Of one server alone; undefined when the collector knows no such server. */
  ofServer(sourceNo: number): AlertsView | undefined {
    const source = this.#options.registry.get(sourceNo);
    return source === undefined ? undefined : this.#list(source);
  }

  #list(source: Source | undefined): AlertsView {
    const { engine, registry, db, clock } = this.#options;
    const isListed = ({ server }: Alert): boolean =>
      source === undefined || server === source.serverId;
    // Alerts are of live servers, whatever name a replayed file has for its own.
    const isReplay = source?.replayed === true;
    const active = isReplay ? [] : this.#all().filter(isListed).sort(firingFirst);
    const ended = isReplay ? [] : pastAlerts(db, { server: source?.serverId, countMax: pastMax });
    // Another collector may have ended one, by the rules it had, that goes on where it is judged now.
    const activeIds = new Set(active.map(({ id }) => id));
    const past = ended.filter(({ id }) => !activeIds.has(id));
    const shown = (alert: Alert): AlertSummary => alertSummary(alert, registry);
    return {
      now: clock.wallMs(),
      rules: [...engine.rules.values()].map(({ name, about }) => ({ name, about })),
      active: active.slice(0, activeMax).map(shown),
      active_count: active.length,
      past: past.map(shown),
    };
  }

  /** Undefined when nothing is known of such an alert. */
  explain(id: string): AlertView | undefined {
    const { engine, registry, db, clock } = this.#options;
    const transitions = transitionsOf(db, id);
    const alert = this.#active(id) ?? endedAlert(transitions);
    if (alert === undefined) return undefined;
    const rule = engine.rules.get(alert.rule);
    return {
      now: clock.wallMs(),
      alert: alertSummary(alert, registry),
      rule: rule === undefined ? null : ruleText(rule),
      transitions: transitions.map(({ kind, atMs: at, reason, window }) => ({
        kind,
        at,
        reason,
        values: window?.values ?? null,
      })),
      windows:
        rule?.condition === undefined
          ? []
          : this.#windows(rule.condition, alert, offsetsOf(transitions)),
      deliveries: deliveriesOf(db, id),
    };
  }

  /** One that goes on outlives its steps: they are deleted with the windows of their time. */
  #active(id: string): Alert | undefined {
    return this.#all().find((alert) => alert.id === id);
  }

  #all(): Alert[] {
    const { engine, others } = this.#options;
    return [...engine.active(), ...others()];
  }

  /** @param offsets of the server's clock, that of the newest step first */
  #windows(
    condition: NonNullable<Rule['condition']>,
    { server, startsAtMs, endedAtMs }: Alert,
    offsets: readonly Offset[],
  ): AlertView['windows'] {
    const { db, clock } = this.#options;
    const countMax = Math.ceil(windowsMax / offsets.length);
    let toMs = (endedAtMs ?? clock.wallMs()) + marginMs;
    return offsets
      .map(({ sinceMs, aheadMs }) => {
        const fromMs = Math.max(sinceMs, startsAtMs - marginMs);
        const span = { fromMs: fromMs + aheadMs, toMs: toMs + aheadMs, countMax };
        toMs = fromMs;
        return windowsAround(db, server, span).map(({ startMs, endMs, figures }) => ({
          start: startMs - aheadMs,
          end: endMs - aheadMs,
          values: facts(condition, figures),
          verdict: judge(condition, figures),
        }));
      })
      .toReversed()
      .flat();
  }
}

export function alertSummary(alert: Alert, registry: Registry): AlertSummary {
  const { id, rule, severity, server, kind, startsAtMs, firedAtMs, endedAtMs, reason } = alert;
  return {
    id,
    rule,
    severity,
    server,
    server_no: server === '' ? null : (registry.find(server, '')?.sourceNo ?? null),
    state: kind,
    starts_at: startsAtMs,
    fired_at: firedAtMs,
    ended_at: endedAtMs,
    reason,
    processes: alert.processes,
  };
}

/** Undefined when no step of it is left. */
function endedAlert(transitions: readonly Transition[]): Alert | undefined {
  const newest = transitions.at(-1);
  if (newest === undefined) return undefined;
  return alertAt(newest, transitions.find(({ kind }) => kind === 'firing') ?? null);
}

/** By how much a server's clock was ahead of ours, for windows that begin then or later. */
interface Offset {
  /** By our clock. */
  readonly sinceMs: number;
  readonly aheadMs: number;
}

/** Steps are on the collector's clock, their windows on the server's. @returns the newest first */
function offsetsOf(transitions: readonly Transition[]): Offset[] {
  const offsets: Offset[] = [];
  for (const { window, atMs } of transitions) {
    if (window === null) continue;
    const aheadMs = window.endMs - atMs;
    if (offsets[0]?.aheadMs === aheadMs) continue;
    const sinceMs = offsets.length === 0 ? Number.NEGATIVE_INFINITY : window.startMs - aheadMs;
    offsets.unshift({ sinceMs, aheadMs });
  }
  return offsets.length > 0 ? offsets : [{ sinceMs: Number.NEGATIVE_INFINITY, aheadMs: 0 }];
}

function firingFirst(a: Alert, b: Alert): number {
  if (a.kind !== b.kind) return a.kind === 'firing' ? -1 : 1;
  return b.startsAtMs - a.startsAtMs;
}

function ruleText(rule: Rule): NonNullable<AlertView['rule']> {
  const { about, condition, silentMs, forMs, clearForMs, labels, notify } = rule;
  return {
    about,
    when: condition?.when.text ?? null,
    clear: condition?.clear?.text ?? null,
    silent: silentMs === undefined ? null : durationText(silentMs),
    for: durationText(forMs),
    clear_for: durationText(clearForMs),
    labels,
    notify,
  };
}
