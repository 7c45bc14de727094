/** All notifiers at work: each delivers its lane by itself, so one that is down holds up no other. */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../runtime/clock.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';
import { Delivery, type DeliveryObserver, type DeliverySettings } from './delivery.ts';
import type { DeliveryGate } from './delivery-gate.ts';
import { DeliveryStore } from './delivery-store.ts';
import { createNotifier } from './notifiers/create.ts';
import type { NotifierSettings, Notifiers } from './notifiers/settings.ts';
import { Worker } from './worker.ts';

export interface NotificationSettings extends DeliverySettings {
  readonly notifiers: Notifiers;
}

export interface NotificationsOptions {
  /** The one connection that writes. */
  readonly db: DatabaseSync;
  /** `http://host:port`, where a person finds the page. */
  readonly pageUrl: string;
  readonly observer: DeliveryObserver;
  /** Absent: all is ours to tell. */
  readonly gate?: DeliveryGate;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Running {
  /** The notifier's settings as JSON. */
  readonly settings: string;
  readonly worker: Worker;
}

export class Notifications {
  readonly #options: NotificationsOptions;
  readonly #store: DeliveryStore;
  readonly #running = new Map<string, Running>();
  #settings: NotificationSettings;
  #stopped = false;

  constructor(options: NotificationsOptions, settings: NotificationSettings) {
    this.#options = options;
    this.#settings = settings;
    this.#store = new DeliveryStore(options.db, options.gate);
    this.#start();
  }

  /** Takes new settings; a notifier that is as it was goes on undisturbed. */
  async reload(settings: NotificationSettings): Promise<void> {
    this.#settings = settings;
    const changed = [...this.#running].filter(
      ([name, running]) => running.settings !== JSON.stringify(settings.notifiers[name]),
    );
    await Promise.all(changed.map(([, { worker }]) => worker.stop()));
    for (const [name, running] of changed) {
      // Another reload may have replaced it meanwhile.
      if (this.#running.get(name) === running) this.#running.delete(name);
    }
    this.#start();
    this.wake();
  }

  /** Something new was committed to the queue. */
  wake(): void {
    for (const { worker } of this.#running.values()) worker.wake();
  }

  /** How many notices wait for each notifier. */
  waiting(): ReadonlyMap<string, number> {
    return new Map([...this.#running.keys()].map((name) => [name, this.#store.count(name)]));
  }

  /** What is on its way may arrive; what waits stays in the queue. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#running.values()].map(({ worker }) => worker.stop()));
  }

  #start(): void {
    if (this.#stopped) return;
    const { notifiers } = this.#settings;
    this.#forgetOthers(Object.keys(notifiers));
    for (const [name, settings] of Object.entries(notifiers)) {
      if (!this.#running.has(name)) this.#running.set(name, this.#startWorker(name, settings));
    }
  }

  /** A full disk must keep nobody from being told; they are forgotten at the next start then. */
  #forgetOthers(names: readonly string[]): void {
    const { log } = this.#options;
    try {
      const notices = this.#store.forgetOthers(names);
      if (notices > 0) log.warn({ notices }, 'notices for notifiers that are no more are gone');
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'notices for notifiers that are no more stay for now');
    }
  }

  #startWorker(name: string, settings: NotifierSettings): Running {
    const { log } = this.#options;
    const delivery = new Delivery({
      ...this.#options,
      name,
      notifier: createNotifier(name, settings, this.#options),
      store: this.#store,
      settings: () => this.#settings,
      random: Math.random,
    });
    return { settings: JSON.stringify(settings), worker: new Worker(delivery, log) };
  }
}
