/** What one commit holds: everything that arrived since the last one, written in one transaction. */
import type { QueueItem } from '../../runtime/queue/queue.ts';
import type { Transition } from '../alerts/alert.ts';
import type { ServerWindow } from '../windows/window.ts';

export interface SampleRow {
  readonly sourceNo: number;
  readonly tsMs: number;
  readonly bootNo: number | null;
  readonly seq: number | null;
  /** In METRICS order; NaN is unavailable. */
  readonly values: readonly number[];
  readonly detail: string | undefined;
}

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

export class Group {
  readonly samples: SampleRow[] = [];
  readonly windows: { readonly window: ServerWindow; readonly skewed: boolean }[] = [];
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
  /** What notifiers are to tell; the lane is the notifier's name. */
  readonly notices: QueueItem[] = [];

  get rows(): number {
    return (
      this.samples.length +
      this.windows.length +
      this.inventories.length +
      this.quarantine.length +
      this.sources.size +
      this.boots.size +
      this.fleetPending.length +
      this.fleetDue.length +
      this.alertStates.size +
      this.alertTransitions.length +
      this.notices.length
    );
  }
}
