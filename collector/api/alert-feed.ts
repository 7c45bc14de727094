/** Passes changes of alerts on to the open pages, those of a moment in one event. */
import type { Alert } from '../alerts/alert.ts';
import type { Registry } from '../ingest/registry.ts';
import { alertSummary } from './alert-views.ts';
import type { Hub } from './hub.ts';

/** As long as samples are gathered; a room cut off at once is one event. */
const gatherMs = 200;
/** Alerts of one event. */
const alertsMax = 500;

export class AlertFeed {
  readonly #hub: Pick<Hub, 'alerts'>;
  readonly #registry: Registry;
  readonly #changed = new Map<string, Alert>();
  #timer: NodeJS.Timeout | undefined;

  constructor(hub: Pick<Hub, 'alerts'>, registry: Registry) {
    this.#hub = hub;
    this.#registry = registry;
  }

  changed(alert: Alert): void {
    this.#changed.set(alert.id, alert);
    if (this.#changed.size >= alertsMax) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), gatherMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#hub.alerts(
      [...this.#changed.values()].map((alert) => alertSummary(alert, this.#registry)),
    );
    this.#changed.clear();
  }
}
