/** Puts the alerts together: the file, the engine that judges by its rules, who is told, and a new reading of the file. */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../runtime/clock.ts';
import { messageOf, WindrowError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logging.ts';
import type { Alert } from './alerts/alert.ts';
import { type DeliveryGate, openGate } from './alerts/delivery-gate.ts';
import type { DeliveryObserver } from './alerts/delivery.ts';
import { AlertEngine, type AlertShare } from './alerts/engine.ts';
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
  /** All that the collector knows. */
  readonly sources: () => Iterable<Source>;
  /** Whether it is this machine's clock that is wrong, and not those of its servers. */
  readonly isOwnClockOff: () => boolean;
  readonly onChange: (alert: Alert) => void;
  /** Whether what is sent is taken in. */
  readonly hears: () => boolean;
  /** Absent: all is ours to judge. Else nothing is before it has been taken over. */
  readonly share?: AlertShare;
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
    const { path, db, windows, clock, share } = options;
    const { group, sources, isOwnClockOff, onChange, hears } = options;
    this.#options = options;
    this.#file = loadAlertsFile(path);
    const { windowMs, latenessMs } = windows;
    const restored = restoreAlerts(db, clock.wallMs());
    const shared = share === undefined ? {} : { share };
    this.engine = new AlertEngine(
      {
        clock,
        group,
        sources,
        isOwnClockOff,
        onChange,
        hears,
        windowMs,
        latenessMs,
        ...shared,
      },
      share === undefined ? restored : { ...restored, records: [] },
    );
  }

  /** The file as it was last read. */
  get file(): AlertsFile {
    return this.#file;
  }

  /** Once the group is there to write to, and the sources are restored. */
  start(): void {
    this.engine.start(this.#file.rules);
  }

  /**
   * From here on notifications go out, those of an earlier run first.
   * @param pageUrl where a person finds the page
   * @param gate which are ours to send
   * @returns how to stop them
   */
  deliver(
    pageUrl: string,
    observer: DeliveryObserver,
    gate: DeliveryGate = openGate,
  ): () => Promise<void> {
    const { db, clock, log } = this.#options;
    const options = { db, pageUrl, observer, gate, clock, log };
    const notifications = new Notifications(options, this.#file);
    this.#notifications = notifications;
    return () => notifications.stop();
  }

  /** How long each notifier waits for an answer, by name, ms. */
  timeoutsMs(): ReadonlyMap<string, number> {
    const { notifiers } = this.#file;
    return new Map(Object.entries(notifiers).map(([name, { timeout }]) => [name, timeout]));
  }

  /** Notices that wait, by notifier. */
  waiting(): ReadonlyMap<string, number> {
    return this.#notifications?.waiting() ?? new Map();
  }

  /** Judges in a commit the windows of the fleet that it makes; only live servers make one of now. */
  inCommit(group: Group, fleet: readonly MadeFleetWindow[]): void {
    for (const { originMs, window } of fleet) if (originMs === 0) this.engine.fleetWindow(window);
    this.engine.checkpoint(group);
  }

  /** @param notices how many notices a commit has queued */
  committed(notices: number): void {
    if (notices > 0) this.wake();
  }

  /** Some of what waits may be told by now. */
  wake(): void {
    this.#notifications?.wake();
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
