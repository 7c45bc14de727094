/**
 * The book of active alerts. Each change of one is written into the group that waits for the
 * commit, together with what is to be told of it: cause, state and notices are on disk at once.
 */
import type { Group } from '../store/group.ts';
import {
  type Alert,
  alertAt,
  type Severity,
  type Transition,
  type TransitionKind,
  type WindowFacts,
} from './alert.ts';
import { alertId } from './identity.ts';
import { type AlertState, type Change, end, type Step } from './lifecycle.ts';
import { noticeOf } from './notice.ts';
import type { Rule } from './rules/rule.ts';

/** What is kept of an active alert; JSON can carry it. */
export interface AlertRecord {
  readonly rule: string;
  /** '' for the fleet. */
  readonly server: string;
  readonly state: AlertState;
  readonly reason: string;
  /** Of the rule at its newest change: its end is told also when the rule is gone. */
  readonly severity: Severity;
  readonly about: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly notify: readonly string[];
  /** The top processes when it fired; null while pending, and where not known. */
  readonly processes: string | null;
}

export interface BookOptions {
  /** What waits for the next commit. */
  readonly group: () => Group;
  readonly wallMs: () => number;
  /** Sees each change, for the live page; must not throw. */
  readonly onChange: (alert: Alert) => void;
}

/** Why something changed. */
export interface Cause {
  readonly reason: (change: Change) => string;
  readonly window: WindowFacts | null;
  /** The top processes; asked for when an alert fires. */
  readonly processes: () => string | null;
}

export type TransitionCounts = ReadonlyMap<string, Readonly<Record<TransitionKind, number>>>;

export class AlertBook {
  readonly #options: BookOptions;
  readonly #records = new Map<string, AlertRecord>();
  /** Keys of what changed since the last commit. */
  readonly #changed = new Set<string>();
  readonly #counts = new Map<string, Record<TransitionKind, number>>();

  constructor(options: BookOptions) {
    this.#options = options;
  }

  restore(record: AlertRecord): void {
    this.#records.set(keyOf(record.rule, record.server), record);
  }

  /** The same of what another collector kept until now. */
  adopt(record: AlertRecord): void {
    this.restore(record);
    this.#changed.add(keyOf(record.rule, record.server));
  }

  /** These alerts are another collector's: they go on there. */
  letGo(isGone: (rule: string, server: string) => boolean): void {
    for (const [key, { rule, server }] of this.#records) {
      if (!isGone(rule, server)) continue;
      this.#records.delete(key);
      this.#changed.add(key);
    }
  }

  records(): IterableIterator<AlertRecord> {
    return this.#records.values();
  }

  state(rule: string, server: string): AlertState | undefined {
    return this.#records.get(keyOf(rule, server))?.state;
  }

  /** Transitions by rule since the program started. */
  get counts(): TransitionCounts {
    return this.#counts;
  }

  *active(): Generator<Alert> {
    for (const record of this.#records.values()) yield activeAlert(record);
  }

  /** Takes a step of the lifecycle over. */
  take(rule: Rule, server: string, { state, changes }: Step, cause: Cause): void {
    const key = keyOf(rule.name, server);
    const known = this.#records.get(key);
    if (state === known?.state) return;
    const base = known ?? { rule: rule.name, server, reason: '', processes: null };
    const { severity, about, labels } = rule;
    // Whoever was told of its beginning is told of its end, also when the rule has changed meanwhile.
    const notify = [...new Set([...(known?.notify ?? []), ...rule.notify])];
    const fires = changes.some(({ kind }) => kind === 'firing');
    const processes = fires ? cause.processes() : base.processes;
    const told = { ...base, severity, about, labels, notify, processes };
    for (const change of changes) this.#note(told, change, cause);
    const newest = changes.at(-1);
    if (state === undefined) this.#records.delete(key);
    else {
      const reason = newest === undefined ? base.reason : cause.reason(newest);
      this.#records.set(key, { ...told, state, reason });
    }
    this.#changed.add(key);
  }

  /** The alert is over because its subject or its rule is gone. */
  end(record: AlertRecord, reason: string): void {
    const key = keyOf(record.rule, record.server);
    const atMs = Math.max(this.#options.wallMs(), record.state.lastMs);
    this.#note(record, end(record.state, atMs), { reason: () => reason, window: null });
    this.#records.delete(key);
    this.#changed.add(key);
  }

  record(rule: string, server: string): AlertRecord | undefined {
    return this.#records.get(keyOf(rule, server));
  }

  /** Adds the state of all that changed to the group that is about to be committed. */
  checkpoint(group: Group): void {
    for (const key of this.#changed) {
      const record = this.#records.get(key);
      const [rule = '', server = ''] = key.split('\0');
      const body = record === undefined ? null : JSON.stringify(record);
      group.alertStates.set(key, { rule, server, body });
    }
    this.#changed.clear();
  }

  #note(
    record: Omit<AlertRecord, 'state'>,
    change: Change,
    cause: Pick<Cause, 'reason' | 'window'>,
  ): void {
    const { rule, server, severity, processes } = record;
    const { kind, atMs, startsAtMs } = change;
    const transition: Transition = {
      id: alertId(rule, server, startsAtMs),
      rule,
      server,
      kind,
      severity,
      atMs,
      startsAtMs,
      reason: cause.reason(change),
      window: cause.window,
      processes: kind === 'firing' ? processes : null,
    };
    const group = this.#options.group();
    group.alertTransitions.push(transition);
    this.#count(rule, kind);
    this.#notify(record, transition);
    // The state that it leaves: a resolve knows when the alert fired.
    const firedAtMs = this.state(rule, server)?.firedAtMs ?? null;
    const left = firedAtMs === null ? null : { atMs: firedAtMs, processes };
    this.#options.onChange(alertAt(transition, kind === 'firing' ? transition : left));
  }

  #notify(record: Omit<AlertRecord, 'state'>, transition: Transition): void {
    const { kind } = transition;
    if (kind !== 'firing' && kind !== 'resolved') return;
    if (record.notify.length === 0) return;
    const nowMs = this.#options.wallMs();
    const notice = noticeOf({ ...transition, kind }, { ...record, nowMs });
    const body = JSON.stringify(notice);
    const { notices } = this.#options.group();
    for (const lane of record.notify) notices.push({ lane, no: null, atMs: nowMs, body });
  }

  #count(rule: string, kind: TransitionKind): void {
    const counts = this.#counts.get(rule) ?? { pending: 0, firing: 0, resolved: 0, dropped: 0 };
    counts[kind] += 1;
    this.#counts.set(rule, counts);
  }
}

/** Neither a rule's nor a server's name holds a NUL. */
function keyOf(rule: string, server: string): string {
  return `${rule}\0${server}`;
}

function activeAlert({ rule, server, severity, state, reason, processes }: AlertRecord): Alert {
  const { startsAtMs, firedAtMs, phase } = state;
  return {
    id: alertId(rule, server, startsAtMs),
    rule,
    server,
    severity,
    kind: phase,
    startsAtMs,
    firedAtMs,
    endedAtMs: null,
    reason,
    processes,
  };
}
