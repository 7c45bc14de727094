/** Puts the alerts together: the file, the engine that judges by its rules, who is told, and a new reading of the file. */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../runtime/clock.ts';
import { messageOf, WindrowError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logging.ts';
import type { Alert } from './alerts/alert.ts';
import type { DeliveryObserver } from './alerts/delivery.ts';
import { AlertEngine } from './alerts/engine.ts';
import { Notifications } from './alerts/notifications.ts';
import { type AlertsFile, loadAlertsFile } from './alerts/rules/load.ts';
import { restoreAlerts } from './alerts/store.ts';
import type { Source } from './ingest/source.ts';
import type { Group } from './store/group.ts';
import type { MadeFleetWindow } from './store/statements.ts';
import type { EngineOptions } from './windows/engine.ts';

export interface AlertingOptions {
  /** Of the alerts file. */
  readonly path: string;
  readonly db: DatabaseSync;
  readonly windows: EngineOptions;
  /** What waits for the next commit. */
  readonly group: () => Group;
  readonly onChange: (alert: Alert) => void;
  /** Whether what is sent is taken in. */
  readonly hears: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Alerting {
  readonly engine: AlertEngine;
  readonly #options: AlertingOptions;
  #file: AlertsFile;
  #notifications: Notifications | undefined;

  /** @throws WindrowError `config` when the file is not good */
  constructor(options: AlertingOptions) {
    const { path, db, windows, group, onChange, hears, clock } = options;
    this.#options = options;
    this.#file = loadAlertsFile(path);
    const { windowMs, latenessMs } = windows;
    this.engine = new AlertEngine(
      { clock, group, onChange, hears, windowMs, latenessMs },
      restoreAlerts(db, clock.wallMs()),
    );
  }

  /** The file as it was last read. */
  get file(): AlertsFile {
    return this.#file;
  }

  /** Once the group is there to write to. @param sources as restored */
  start(sources: Iterable<Source>): void {
    this.engine.start(this.#file.rules, sources);
  }

  /**
   * From here on notifications go out, those of an earlier run first.
   * @param pageUrl where a person finds the page
   * @returns how to stop them
   */
  deliver(pageUrl: string, observer: DeliveryObserver): () => Promise<void> {
    const { db, clock, log } = this.#options;
    const notifications = new Notifications({ db, pageUrl, observer, clock, log }, this.#file);
    this.#notifications = notifications;
    return () => notifications.stop();
  }

  /** Notices that wait, by notifier. */
  waiting(): ReadonlyMap<string, number> {
    return this.#notifications?.waiting() ?? new Map();
  }

  /**
   * Takes over what a commit has made.
   * @param fleet windows of the fleet; only live servers make one of now
   * @param notices how many notices it queued
   */
  committed(fleet: readonly MadeFleetWindow[], notices: number): void {
    if (notices > 0) this.#notifications?.wake();
    for (const { originMs, window } of fleet) if (originMs === 0) this.engine.fleetWindow(window);
  }

  /** Reads the file again. One that is not good is told in the log, and changes nothing. */
  reload(): void {
    const { path, log } = this.#options;
    try {
      this.#file = loadAlertsFile(path);
    } catch (error) {
      const hint = error instanceof WindrowError ? error.hint : undefined;
      log.error(
        { error: messageOf(error), hint },
        'the alerts file is not good; the old one holds',
      );
      return;
    }
    this.engine.setRules(this.#file.rules);
    this.#notifications
      ?.reload(this.#file)
      .catch((error: unknown) =>
        log.error({ error: messageOf(error) }, 'the notifiers are as they were'),
      );
    log.info({ path, rules: this.#file.rules.length }, 'the alerts file was read again');
  }
}
