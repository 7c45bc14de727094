/**
 * Alerts that are and that were, as the collector lists them, kept up by the event stream.
 *
 * Invariant: an alert only goes on (pending, firing, ended), so of two reports of it the one that is
 * further on is the newer, whichever way it came.
 */
import type { AlertSummary, AlertsView } from '../../api/contract.ts';
import { furtherOn, isActive, newestFirst, worstFirst } from '../lib/alerts.ts';
import { getAlerts, isUnknown } from './api.ts';

/** As many as the collector lists. */
const activeMax = 1_000;
const pastMax = 200;

interface Entry {
  readonly alert: AlertSummary;
  /** The asking (see `askView`) that it was heard in. */
  readonly heardIn: number;
}

/** What a server that fires nothing has: always the same array, as rows compare it. */
const nothing: readonly AlertSummary[] = [];

export class AlertsState {
  /** Of this server alone; null: of all, and of the fleet. */
  readonly server: number | null;
  loaded = false;
  /** The collector knows no such server. */
  isUnknown = false;
  /** Rules in force: their names, and what they say of themselves. */
  rules: ReadonlyMap<string, string> = new Map();
  /** The worst first, then the newest. */
  firing: readonly AlertSummary[] = nothing;
  pending: readonly AlertSummary[] = nothing;
  /** Ended after they fired, the newest first. */
  past: readonly AlertSummary[] = nothing;
  /** Active ones beyond those that the collector lists. */
  unlisted = 0;
  #entries = new Map<string, Entry>();
  #firingOf = new Map<number, readonly AlertSummary[]>();
  #asking = 0;

  constructor(server: number | null) {
    this.server = server;
  }

  async read(signal: AbortSignal): Promise<void> {
    this.askView();
    try {
      this.load(await getAlerts(this.server, signal));
    } catch (error) {
      if (this.server === null || !isUnknown(error)) throw error;
      this.isUnknown = true;
    }
  }

  /** Called when a view is asked for: what the stream says from now on may be newer than it. */
  askView(): void {
    this.#asking += 1;
  }

  load(view: AlertsView): void {
    const sinceAsked = [...this.#entries.values()].filter((entry) => entry.heardIn >= this.#asking);
    this.#entries = new Map();
    for (const alert of view.active) this.#put(alert);
    // What is active is active, also where a collector lists an earlier end of it.
    for (const alert of view.past) if (!this.#entries.has(alert.id)) this.#put(alert);
    for (const { alert } of sinceAsked) this.#put(alert);
    this.rules = new Map(view.rules.map(({ name, about }) => [name, about]));
    this.unlisted = view.active_count - view.active.length;
    this.loaded = true;
    this.isUnknown = false;
    this.#arrange();
  }

  /** Takes what the stream says. Answers the alerts that it made fire. */
  update(alerts: readonly AlertSummary[]): AlertSummary[] {
    const fired: AlertSummary[] = [];
    for (const alert of alerts) {
      if (this.server !== null && alert.server_no !== this.server) continue;
      const before = this.#entries.get(alert.id)?.alert.state;
      const after = this.#put(alert);
      if (after.state === 'firing' && before !== 'firing') fired.push(after);
    }
    this.#arrange();
    return fired;
  }

  /** Of one server, the worst first. */
  firingOf(server: number): readonly AlertSummary[] {
    return this.#firingOf.get(server) ?? nothing;
  }

  /** Answers what is known of the alert now. */
  #put(alert: AlertSummary): AlertSummary {
    const known = this.#entries.get(alert.id)?.alert;
    const newest = known === undefined ? alert : furtherOn(known, alert);
    this.#entries.set(alert.id, { alert: newest, heardIn: this.#asking });
    return newest;
  }

  /** Puts all in order and forgets those that are too many, and those that were dropped. */
  #arrange(): void {
    const all = [...this.#entries.values()].map(({ alert }) => alert);
    const byState = Map.groupBy(all, ({ state }) => state);
    const inState = (state: AlertSummary['state']) => byState.get(state) ?? [];
    this.firing = inState('firing').sort(worstFirst).slice(0, activeMax);
    this.pending = inState('pending')
      .sort(worstFirst)
      .slice(0, activeMax - this.firing.length);
    this.past = inState('resolved').sort(newestFirst).slice(0, pastMax);
    this.unlisted += all.filter(isActive).length - this.firing.length - this.pending.length;
    const kept = new Set([...this.firing, ...this.pending, ...this.past]);
    for (const alert of all) if (!kept.has(alert)) this.#entries.delete(alert.id);
    this.#firingOf = Map.groupBy(this.firing.filter(hasServer), ({ server_no }) => server_no);
  }
}

function hasServer(alert: AlertSummary): alert is AlertSummary & { readonly server_no: number } {
  return alert.server_no !== null;
}
