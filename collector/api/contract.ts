/**
 * What the page and the collector say to each other: types alone, so that the page's bundle holds
 * nothing of the collector. All times are ms since the epoch; a value that is unavailable is null.
 */
import type { TransfersView } from '../../blocks/transfers-view.ts';
import type { Severity, TransitionKind } from '../alerts/alert.ts';
import type { DetailLine } from '../store/queries.ts';
import type { METRICS } from '../../wire/metrics.ts';
import type { Inventory } from '../../wire/records/inventory.ts';
import type { Sample } from '../../wire/records/sample.ts';

export type { DetailLine } from '../store/queries.ts';
export type {
  MachineView,
  TransferState,
  TransfersView,
  TransferTotals,
  TransferView,
} from '../../blocks/transfers-view.ts';

/** In the order of METRICS. */
export type MetricValues = readonly (number | null)[];

/**
 * `up`: heard within the last 2 minutes; `silent`: not, without a goodbye; `off`: said goodbye;
 * `decommissioned`: taken off the lists by a person, until it sends again.
 */
export type ServerState = 'up' | 'silent' | 'off' | 'decommissioned';

/** A sender's backlog that drains. */
export interface CatchingUp {
  /** Records that wait at the sender. */
  readonly waiting: number;
  /** Until it has drained; null while that is not known. */
  readonly left_ms: number | null;
}

/** What is here of another collector's server are its windows; the rest is there. */
export interface ServerOwner {
  /** Where that collector's page is. */
  readonly url: string;
  /** The server's number there. */
  readonly id: number;
}

export interface ServerSummary {
  /** The collector's number of this source: stable, and what the other routes take. */
  readonly id: number;
  readonly server_id: string;
  readonly state: ServerState;
  /** Its clock is more than 5 s off, so it is kept out of the fleet's windows. */
  readonly skewed: boolean;
  readonly clock_offset_ms: number | null;
  /** Two agents send under its name. */
  readonly conflict: boolean;
  /** Samples that its sender no longer has and that never came. */
  readonly lost: number;
  readonly catch_up: CatchingUp | null;
  /** Comes from a replayed file. */
  readonly replayed: boolean;
  /** Another collector takes in its samples; null where this one does. */
  readonly owner: ServerOwner | null;
  readonly last_seen_ms: number;
  readonly ts: number;
  readonly values: MetricValues;
}

/** GET /api/fleet */
export interface FleetView {
  readonly version: string;
  readonly now: number;
  readonly metrics: typeof METRICS;
  /** Every server but the decommissioned, the most recently heard first; at most 1,000. */
  readonly servers: readonly ServerSummary[];
}

/** A time in which this collector could hear nobody: it makes nobody silent. */
export interface Deafness {
  readonly since_ms: number;
  /** Null while it lasts. */
  readonly through_ms: number | null;
  /** For people; null while the collector only reads up what has waited. */
  readonly why: string | null;
  /** Only what other collectors tell did not come: it makes none of their servers silent. Absent: nothing came. */
  readonly others?: true;
}

/** GET /api/intake: what keeps records out. */
export interface IntakeView {
  readonly now: number;
  /** Since the collector's start, the newest last; at most 20. */
  readonly deaf: readonly Deafness[];
  /** Why nothing that this collector makes reaches the others; absent while all is well. */
  readonly unpublished?: string;
  /** Records without valid form, put aside. */
  readonly quarantine: {
    /** At most 10,000: the oldest go first. */
    readonly kept: number;
    /** The newest first; at most 20. */
    readonly newest: readonly {
      readonly id: number;
      readonly at: number;
      /** The sender's address, or `kafka TOPIC/PARTITION@OFFSET`, `@FIRST-LAST` of several. */
      readonly from: string;
      readonly topic: string | null;
      readonly reason: string;
      /** The beginning of the record. */
      readonly body: string;
    }[];
  };
}

/** Mean and maximum over the span asked for. */
export interface MeanMax {
  readonly avg: number | null;
  readonly max: number | null;
}

/** GET /api/fleet/series?minutes=5|15|60 */
export interface FleetSeries {
  /** The points' times, `step_ms` apart. */
  readonly times: readonly number[];
  readonly step_ms: number;
  /**
   * Servers seen in the last 2 minutes, by name; at most 1,000, and the first 200 of them with
   * lines: `cpu` and `mem` are means over a step, or empty. Where a server's samples went to another
   * collector its windows stand for them.
   */
  readonly servers: readonly {
    readonly id: number;
    readonly server_id: string;
    readonly cpu: readonly (number | null)[];
    readonly mem: readonly (number | null)[];
    readonly cpu_summary: MeanMax;
    readonly mem_summary: MeanMax;
  }[];
}

/** GET /api/servers/:id/series?minutes=5|15|60 */
export interface ServerSeries {
  readonly times: readonly number[];
  readonly step_ms: number;
  /** Means over a step. */
  readonly values: Readonly<
    Record<(typeof METRICS)[number] | DetailLine, readonly (number | null)[]>
  >;
}

/** How a server's samples came, since its first one. */
export interface Delivery {
  /** Stored. */
  readonly received: number;
  /** Stored, but after a window they belong to was final. */
  readonly late: number;
  /** Had been received before. */
  readonly duplicates: number;
  readonly lost: number;
  /** The run of the agent that sends now; null before any told. */
  readonly boot: {
    readonly id: string;
    /** When its first sample came here. */
    readonly first_heard_ms: number | null;
    /** Event time of its first sample; null while that has not come. */
    readonly started_ms: number | null;
  } | null;
  /** Two boots that take turns, and the addresses that they were last heard from. */
  readonly conflict: {
    readonly since_ms: number;
    readonly senders: readonly { readonly boot_id: string; readonly remote: string }[];
  } | null;
}

/** DELETE /api/servers/:id decommissions the server: 204 once that is stored. */

/** GET /api/servers/:id */
export interface ServerView {
  readonly summary: ServerSummary;
  readonly delivery: Delivery;
  readonly inventory: Inventory | null;
  /** The newest sample whole; of another collector's server one that came here before. */
  readonly sample: Sample | null;
  /** The newest top processes and when they were taken (they come less often than samples). */
  readonly processes: {
    readonly ts: number;
    readonly list: NonNullable<Sample['processes']>;
  } | null;
}

/** A time that a rule did not hold on a server, or on the fleet: an alert that is or was. */
export interface AlertSummary {
  readonly id: string;
  readonly rule: string;
  readonly severity: Severity;
  /** '' for the fleet. */
  readonly server: string;
  /** What /api/servers/:id takes; null for the fleet, and for a server that is no longer known. */
  readonly server_no: number | null;
  /** Its newest transition; `dropped` alerts never fired and are shown to nobody. */
  readonly state: TransitionKind;
  /** When the breach began, when it fired, when it was resolved or dropped. */
  readonly starts_at: number;
  readonly fired_at: number | null;
  readonly ended_at: number | null;
  /** Of its newest transition: `cpu_pct.avg 97.3 for 2m`. */
  readonly reason: string;
  /** The top processes of that server when it fired; null where not known. */
  readonly processes: string | null;
}

/** GET /api/alerts, and of one server alone /api/alerts?server=ID */
export interface AlertsView {
  readonly now: number;
  /** Rules in force, and what each says of itself. */
  readonly rules: readonly { readonly name: string; readonly about: string }[];
  /** Firing first, then pending, the newest first in each; at most 1,000. */
  readonly active: readonly AlertSummary[];
  /** All that are active, also beyond those listed. */
  readonly active_count: number;
  /** Resolved, and not active again, the newest first; at most 200. */
  readonly past: readonly AlertSummary[];
}

export type Verdict = 'breach' | 'clear' | 'between' | 'unknown';

/** GET /api/alerts/:id: why. */
export interface AlertView {
  readonly now: number;
  readonly alert: AlertSummary;
  /** As it is now; null when it was removed. Durations are text: `2m`. */
  readonly rule: {
    readonly about: string;
    /** Null for a rule about silence. */
    readonly when: string | null;
    readonly clear: string | null;
    readonly silent: string | null;
    readonly for: string;
    readonly clear_for: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly notify: readonly string[];
  } | null;
  /** Oldest first; of an alert that is active for longer than they are kept, those that are left. */
  readonly transitions: readonly {
    readonly kind: TransitionKind;
    readonly at: number;
    readonly reason: string;
    readonly values: Readonly<Record<string, number>> | null;
  }[];
  /**
   * The stored windows from shortly before the breach to shortly after the end, oldest first, at
   * most 200, on the collector's clock: what the rule, as it is now, says of each. Empty for a rule
   * about silence.
   */
  readonly windows: readonly {
    readonly start: number;
    readonly end: number;
    /** By the name used in the rule: `{"cpu_pct.avg": 97.3}`. */
    readonly values: Readonly<Record<string, number>>;
    readonly verdict: Verdict;
  }[];
  /** Notifications about this alert, oldest first. */
  readonly deliveries: readonly AlertDelivery[];
}

export interface AlertDelivery {
  readonly at: number;
  readonly notifier: string;
  readonly status: 'firing' | 'resolved';
  /** `sent`, `silenced`, `not needed`, `given up`, `dropped`. */
  readonly outcome: string;
  readonly attempts: number;
  readonly error: string | null;
}

/**
 * GET /api/events[?server=ID]: server-sent events. Each has an id; on reconnect the browser sends
 * the last one and gets what it missed, or `reset` when that is no longer kept (then: load anew).
 */
export interface Events {
  /**
   * New samples since the last event, all servers, a row each: [id, ts, …values in METRICS order].
   * Of another collector's server each new window, by its end and averages.
   */
  readonly samples: readonly (readonly (number | null)[])[];
  /** The newest whole sample of the server named in the query. */
  readonly detail: { readonly id: number; readonly sample: Sample; readonly delivery: Delivery };
  /** A server that is new or whose state changed; while it catches up, once a second. */
  readonly server: ServerSummary;
  /** Alerts that are new or changed, as they are now. */
  readonly alerts: readonly AlertSummary[];
  /** Files that come in: transfers that are new or changed, with the machines that send and receive. */
  readonly transfers: TransfersView;
  /** It is otherwise now; of what is put aside once in 5 s. */
  readonly intake: IntakeView;
  /** Something a person should see: a connection test received, say. */
  readonly notice: { readonly ts: number; readonly text: string };
  /** What was missed is not kept any more: load everything anew. */
  readonly reset: { readonly now: number };
}
