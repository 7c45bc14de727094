/** One alert and why: what the collector last said of it. */
import type { AlertSummary, AlertView } from '../../api/contract.ts';
import { getAlert, isUnknown } from './api.ts';
import { Loader } from './loader.ts';

/** Windows and notifications go on, while it is active and for a while after. */
const livelyRefreshMs = 5_000;
const settledAfterMs = 3 * 60_000;
const settledRefreshMs = 60_000;

export class ExplainedAlert {
  readonly id: string;
  view: AlertView | null = null;
  /** The collector has no such alert, or no more. */
  isUnknown = false;
  /** Rises with every change of the charts' data. */
  revision = 0;
  readonly loader: Loader;

  constructor(id: string, changed: () => void) {
    this.id = id;
    this.loader = new Loader({
      read: (signal) => this.#read(signal),
      refreshMs: () => (this.#isSettled() ? settledRefreshMs : livelyRefreshMs),
      changed,
    });
  }

  /** The stream says that alerts changed: if this one did, there is more to explain. */
  update(alerts: readonly AlertSummary[]): void {
    if (alerts.some(({ id }) => id === this.id)) this.loader.load();
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      this.view = await getAlert(this.id, signal);
      this.isUnknown = false;
      this.revision += 1;
    } catch (error) {
      if (!isUnknown(error)) throw error;
      this.isUnknown = true;
    }
  }

  /** An alert that is not known now will hardly become known. */
  #isSettled(): boolean {
    if (this.view === null) return true;
    const { alert, now } = this.view;
    return alert.ended_at !== null && now - alert.ended_at > settledAfterMs;
  }
}
