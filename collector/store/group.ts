/** What one commit holds: everything that arrived since the last one, written in one transaction. */
import type { QueueItem } from '../../runtime/queue/item.ts';
import type { AlertNotice, Transition } from '../alerts/alert.ts';
import type { AlertRecordOnWire } from '../../wire/records/alert-record.ts';
import type { ReadPlace } from '../../wire/transport/log/port.ts';
import type { ServerWindow } from '../windows/window.ts';
import { SampleRows } from './sample-rows.ts';

export interface SourceRow {
  readonly sourceNo: number;
  readonly serverId: string;
  /** '' for a live server. */
  readonly replayId: string;
  readonly originMs: number;
  readonly lastSeenMs: number;
  /** JSON of what a restart needs. */
  readonly state: string;
}

export interface BootRow {
  readonly bootNo: number;
  readonly sourceNo: number;
  readonly bootId: string;
  /** JSON of the received intervals and counts. */
  readonly sequence: string;
}

export interface QuarantineRow {
  readonly atMs: number;
  readonly remote: string;
  readonly topic: string | null;
  readonly reason: string;
  readonly body: string;
}

export interface FleetStart {
  readonly originMs: number;
  readonly startMs: number;
  readonly endMs: number;
}

export interface AlertStateRow {
  readonly rule: string;
  /** '' for the fleet. */
  readonly server: string;
  /** JSON of what a restart needs; null when the alert is over. */
  readonly body: string | null;
}

/** The newest record of one key of `alerts`; null when nothing is kept of it any longer. */
export interface SharedAlertRow {
  readonly rule: string;
  readonly server: string;
  readonly record: AlertRecordOnWire | null;
}

/** What a notifier's receiver was told by another collector. */
export interface ToldRow {
  readonly notifier: string;
  /** It would have been, but for a silence. */
  readonly held: boolean;
  readonly notice: AlertNotice;
}

/** The newest record of one key of `window-results`. */
export interface ResultRow {
  readonly serverId: string;
  readonly replayId: string;
  /** Another collector wrote it. */
  readonly others: boolean;
  /** JSON of the WindowResult; null when nothing is kept of the source any longer. */
  readonly body: string | null;
}

/** The offset to read next, and of which topic of that name; undefined where that was not noted. */
export type TopicPosition = Pick<ReadPlace, 'offset' | 'topicId'>;

/** What a sample says beside its metrics. */
export interface DetailRow {
  readonly sourceNo: number;
  readonly tsMs: number;
  /** JSON. */
  readonly detail: string;
}

/** A window as it is stored. */
export interface WindowRow {
  readonly window: ServerWindow;
  readonly skewed: boolean;
}

export class Group {
  #samples: SampleRows;
  /** How often samples of it were written ahead (samples-ahead.ts). */
  passes = 0;
  readonly details: DetailRow[] = [];
  readonly windows: WindowRow[] = [];
  /** Windows that other collectors made. */
  readonly othersWindows: WindowRow[] = [];
  /** By key. */
  readonly results = new Map<string, ResultRow>();
  /** By partition of `window-results`. */
  readonly resultPositions = new Map<number, TopicPosition>();
  /** By topic and partition: what lies before is in the store with this commit. */
  readonly logPositions = new Map<string, ReadPlace>();
  readonly inventories: { readonly sourceNo: number; readonly body: string }[] = [];
  readonly quarantine: QuarantineRow[] = [];
  readonly sources = new Map<number, SourceRow>();
  readonly boots = new Map<number, BootRow>();
  /** Window starts whose servers' windows changed. */
  readonly fleetPending: FleetStart[] = [];
  /** Window starts whose fleet window is to be made now. */
  readonly fleetDue: FleetStart[] = [];
  /** By rule and server. */
  readonly alertStates = new Map<string, AlertStateRow>();
  readonly alertTransitions: Transition[] = [];
  /** Steps of alerts that other collectors judged; those that are known already are left out. */
  readonly othersTransitions: Transition[] = [];
  /** By rule and server. */
  readonly sharedAlerts = new Map<string, SharedAlertRow>();
  /** By partition of `alerts`. */
  readonly sharedAlertPositions = new Map<number, TopicPosition>();
  /** Open alerts as this collector tells them, by rule and server; a row without body goes. */
  readonly ownAlerts = new Map<string, AlertStateRow>();
  readonly told: ToldRow[] = [];
  /** What notifiers are to tell; the lane is the notifier's name. */
  readonly notices: QueueItem[] = [];

  /** @param samples none: an earlier group's, which has been stored */
  constructor(samples = new SampleRows()) {
    this.#samples = samples;
  }

  get samples(): SampleRows {
    return this.#samples;
  }

  /** Gives the samples out of the group, which goes on with these. */
  exchangeSamples(empty: SampleRows): SampleRows {
    const samples = this.#samples;
    this.#samples = empty;
    return samples;
  }

  get rows(): number {
    return (
      this.#samples.length +
      this.passes +
      this.details.length +
      this.windows.length +
      this.othersWindows.length +
      this.results.size +
      this.resultPositions.size +
      this.logPositions.size +
      this.inventories.length +
      this.quarantine.length +
      this.sources.size +
      this.boots.size +
      this.fleetPending.length +
      this.fleetDue.length +
      this.alertStates.size +
      this.alertTransitions.length +
      this.othersTransitions.length +
      this.sharedAlerts.size +
      this.sharedAlertPositions.size +
      this.ownAlerts.size +
      this.told.length +
      this.notices.length
    );
  }
}
