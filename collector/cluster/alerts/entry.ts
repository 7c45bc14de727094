/**
 * One rule on one subject as this collector tells it the others, and how it changes. Pure.
 *
 * Invariant: an entry is open while its alert is active or some notice of it waits; what a
 * collector needs to take an open one over is in it.
 */
import { alertNoticesMax, alertStepsMax } from '../../../wire/limits.ts';
import type { NoticeOnWire, NoticeOutcome } from '../../../wire/records/alert-record.ts';
import type { AlertNotice, Transition } from '../../alerts/alert.ts';
import type { AlertRecord } from '../../alerts/book.ts';
import { alertId } from '../../alerts/identity.ts';
import { type Entry, noticeOnWire, stepOf } from './forms.ts';

export function isOpen({ active, notices }: Entry): boolean {
  return active !== null || notices.some(isWaiting);
}

export function hasWaiting({ notices }: Entry): boolean {
  return notices.some(isWaiting);
}

function isWaiting({ outcomes }: NoticeOnWire): boolean {
  return Object.values(outcomes).includes('waiting');
}

/** The entry after a step; that of another alert begins it anew, with what still waits of the last. */
export function withStep(before: Entry | undefined, slot: number, taken: Transition): Entry {
  const { rule, server, id, startsAtMs, kind, severity, atMs, reason, processes } = taken;
  const isSame = before?.id === id;
  const isOver = kind === 'resolved' || kind === 'dropped';
  return {
    rule,
    server,
    slot,
    id,
    starts_ms: startsAtMs,
    kind,
    severity,
    at_ms: atMs,
    reason,
    fired_ms: kind === 'firing' ? atMs : isSame ? before.fired_ms : null,
    ended_ms: isOver ? atMs : null,
    processes: processes ?? (isSame ? before.processes : null),
    steps: [...(isSame ? before.steps : []), stepOf(taken)].slice(-alertStepsMax),
    active: isSame && !isOver ? before.active : null,
    notices: isSame ? before.notices : stillNeeded(before),
  };
}

/** Of an alert that is over: what waits, and what the receiver must have been told for that. */
function stillNeeded(before: Entry | undefined): NoticeOnWire[] {
  if (before === undefined) return [];
  return before.notices.filter((notice) => isNeeded({ ...before, active: null }, notice));
}

function isNeeded({ id, active, notices }: Entry, notice: NoticeOnWire): boolean {
  if (isWaiting(notice)) return true;
  if (notice.status === 'resolved') return false;
  const isOn = notice.id === id && active !== null;
  return isOn || notices.some((each) => each.id === notice.id && isWaiting(each));
}

/** The entry of an alert that began before its collector shared any. */
export function entryOf(record: AlertRecord, slot: number, steps: readonly Transition[]): Entry {
  const { rule, server, state, severity, reason, processes } = record;
  const { phase: kind, startsAtMs, firedAtMs } = state;
  return withState(
    {
      rule,
      server,
      slot,
      kind,
      severity,
      reason,
      processes,
      id: alertId(rule, server, startsAtMs),
      starts_ms: startsAtMs,
      at_ms: firedAtMs ?? startsAtMs,
      fired_ms: firedAtMs,
      ended_ms: null,
      steps: steps.map(stepOf).slice(-alertStepsMax),
      active: null,
      notices: [],
    },
    record,
  );
}

export function withState(entry: Entry, record: AlertRecord | null): Entry {
  if (record === null) return { ...entry, active: null };
  const { state, about, labels, notify } = record;
  const active = {
    phase: state.phase,
    last_ms: state.lastMs,
    clear_since_ms: state.clearSinceMs,
    about,
    labels,
    notify: [...notify],
  };
  return { ...entry, active };
}

/** Whether the others must hear of it: evidence alone that it goes on is in `window-results`. */
export function isNews({ active: before }: Entry, { active: now }: Entry): boolean {
  return before?.phase !== now?.phase || before?.clear_since_ms !== now?.clear_since_ms;
}

export function withNotice(entry: Entry, notifier: string, notice: AlertNotice): Entry {
  if (outcomeOf(entry, notifier, notice) !== undefined) return entry;
  if (entry.notices.some((each) => isOf(each, notice))) {
    return withOutcome(entry, { notifier, notice, outcome: 'waiting' });
  }
  const notices = [...entry.notices, noticeOnWire(notice, { [notifier]: 'waiting' })];
  // A receiver that was away for a hundred flaps is told of the newest.
  const importance = (each: NoticeOnWire): number =>
    isNeeded(entry, each) ? (each.id === entry.id ? 2 : 1) : 0;
  const leastFirst = [...notices].sort((a, b) => importance(a) - importance(b));
  const gone = new Set(leastFirst.slice(0, Math.max(0, notices.length - alertNoticesMax)));
  return { ...entry, notices: notices.filter((each) => !gone.has(each)) };
}

/** Of a notice, by what is told. */
type Named = Pick<NoticeOnWire, 'id' | 'status'>;

export interface Settling {
  readonly notifier: string;
  readonly notice: Named;
  readonly outcome: NoticeOutcome;
}

export function withOutcome<T extends Pick<Entry, 'notices'>>(
  entry: T,
  { notifier, notice, outcome }: Settling,
): T {
  const notices = entry.notices.map((each) =>
    isOf(each, notice) ? { ...each, outcomes: { ...each.outcomes, [notifier]: outcome } } : each,
  );
  return { ...entry, notices };
}

export function outcomeOf(
  entry: Entry,
  notifier: string,
  notice: Named,
): NoticeOutcome | undefined {
  return entry.notices.find((each) => isOf(each, notice))?.outcomes[notifier];
}

/** What a collector that has been replaced says it sent after all. */
export function withOutcomesOf(ours: Entry, theirs: readonly NoticeOnWire[]): Entry {
  let entry = ours;
  for (const notice of theirs) {
    for (const [notifier, outcome] of Object.entries(notice.outcomes)) {
      if (outcome === 'waiting' || outcomeOf(entry, notifier, notice) !== 'waiting') continue;
      entry = withOutcome(entry, { notifier, notice, outcome });
    }
  }
  return entry;
}

/** What waits for notifiers that are not among these is never told. @returns the same where nothing does */
export function withoutNotifiers(entry: Entry, isKnown: (notifier: string) => boolean): Entry {
  let next = entry;
  for (const { notifier, notice } of waitingOf(entry)) {
    if (!isKnown(notifier)) next = withOutcome(next, { notifier, notice, outcome: 'dropped' });
  }
  return next;
}

/** What receivers know as firing of this entry, or would but for a silence. */
export function* toldOf({ id, active, notices }: Entry): Generator<ToldNotice> {
  for (const notice of notices.filter(({ status }) => status === 'firing')) {
    const ends = notices.find((each) => each.id === notice.id && each.status === 'resolved');
    for (const [notifier, outcome] of Object.entries(notice.outcomes)) {
      if (outcome !== 'sent' && outcome !== 'silenced') continue;
      const isOn = notice.id === id && active !== null;
      if (!isOn && ends?.outcomes[notifier] !== 'waiting') continue;
      yield { notifier, held: outcome === 'silenced', notice };
    }
  }
}

/** What waits, in order. */
export function* waitingOf({ notices }: Entry): Generator<Omit<ToldNotice, 'held'>> {
  for (const notice of notices) {
    for (const [notifier, outcome] of Object.entries(notice.outcomes)) {
      if (outcome === 'waiting') yield { notifier, notice };
    }
  }
}

/** Whether the firing of this alert is among what was told, or is to be. */
export function hasFiring({ notices }: Entry, alert: string): boolean {
  return notices.some(({ id, status }) => id === alert && status === 'firing');
}

export interface ToldNotice {
  readonly notifier: string;
  readonly held: boolean;
  readonly notice: NoticeOnWire;
}

function isOf(notice: Named, { id, status }: Named): boolean {
  return notice.id === id && notice.status === status;
}
