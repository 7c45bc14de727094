/**
 * What an alert is. One rule on one subject (a server, or the fleet) is at any time in one phase;
 * a transition is one step between them, and a notice is what a person is told of it.
 */
import { ALERT_SEVERITIES, ALERT_STEP_KINDS } from '../../wire/alerts.ts';

export type Phase = 'inactive' | 'pending' | 'firing';

export const SEVERITIES = ALERT_SEVERITIES;
export type Severity = (typeof SEVERITIES)[number];

/** `dropped`: pending ended without firing. */
export const TRANSITION_KINDS = ALERT_STEP_KINDS;
export type TransitionKind = (typeof TRANSITION_KINDS)[number];

/** The window that a verdict was given on, in event time, and the values that the expression used of it. */
export interface WindowFacts {
  readonly startMs: number;
  readonly endMs: number;
  /** By the name used in the rule: `{"cpu_pct.avg": 97.3}`. */
  readonly values: Readonly<Record<string, number>>;
}

/** One step of one alert; stored, shown by explain, exported, and perhaps notified. */
export interface Transition {
  /** Of the alert, see `alertId`: the same for its firing and its resolve. */
  readonly id: string;
  readonly rule: string;
  /** '' for the fleet. */
  readonly server: string;
  readonly kind: TransitionKind;
  /** The rule's at that moment. */
  readonly severity: Severity;
  /** The end of the window, or the moment of what else was the reason, by the collector's clock. */
  readonly atMs: number;
  /** When the breach began; with rule and server the alert's identity. */
  readonly startsAtMs: number;
  /** A sentence without its full stop: `cpu_pct.avg 97.3 for 2m`, `said goodbye`, `rule removed`. */
  readonly reason: string;
  /** Null where the clock or an event was the reason. */
  readonly window: WindowFacts | null;
  /** The top processes of that server when it fired; null at other steps, and where not known. */
  readonly processes: string | null;
}

/** What is kept of its firing for as long as the alert is shown. */
export type Firing = Pick<Transition, 'atMs' | 'processes'>;

/** An alert as its newest transition left it. */
export interface Alert {
  readonly id: string;
  readonly rule: string;
  /** '' for the fleet. */
  readonly server: string;
  readonly severity: Severity;
  readonly kind: TransitionKind;
  readonly startsAtMs: number;
  /** Null when it never fired. */
  readonly firedAtMs: number | null;
  /** Null while it is active. */
  readonly endedAtMs: number | null;
  readonly reason: string;
  /** The top processes of that server when it fired; null where not known. */
  readonly processes: string | null;
}

/** The alert as its newest transition left it. @param firing null when it had not fired by then */
export function alertAt(newest: Transition, firing: Firing | null): Alert {
  const { id, rule, server, severity, kind, startsAtMs, reason, atMs } = newest;
  const isOver = kind === 'resolved' || kind === 'dropped';
  return {
    id,
    rule,
    server,
    severity,
    kind,
    startsAtMs,
    firedAtMs: firing?.atMs ?? null,
    endedAtMs: isOver ? atMs : null,
    reason,
    processes: firing?.processes ?? null,
  };
}

export interface Annotations {
  /** Which machine and what: one line. */
  readonly summary: string;
  /** Why: the rule, the reason and the values. */
  readonly description: string;
  /** The top processes of that server at that moment, where known. */
  readonly processes?: string;
}

/** What a notification is about; as JSON the body of an item in a notifier's lane of the queue. */
export interface AlertNotice {
  readonly id: string;
  readonly rule: string;
  /** '' for the fleet. */
  readonly server: string;
  readonly status: 'firing' | 'resolved';
  readonly startsAtMs: number;
  /** Null while firing. */
  readonly endsAtMs: number | null;
  readonly severity: Severity;
  /** `alertname`, `server` (not for the fleet), `severity`, and the rule's own. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Annotations;
  /** See `fingerprintOf`. */
  readonly fingerprint: string;
  /** `atMs` of the transition. */
  readonly transitionAtMs: number;
  /** The collector's clock when it was put into the queue. */
  readonly enqueuedMs: number;
  /** The collector it was taken over from, which may have told it; absent where it is our own. */
  readonly formerOwner?: string | undefined;
}

/** What a notice tells, whenever it tells it: a repeat has the same mark. */
export function noticeMark({ id, status }: { readonly id: string; readonly status: string }) {
  return `${id}|${status}`;
}
