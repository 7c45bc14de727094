/** An entry of what collectors share of alerts, in its several forms. Pure. */
import { alertRecordBytesMax } from '../../../wire/limits.ts';
import {
  type AlertRecordOnWire,
  type AlertStepOnWire,
  alertKeyText,
  type NoticeOnWire,
} from '../../../wire/records/alert-record.ts';
import { WIRE_VERSION } from '../../../wire/version.ts';
import type { Alert, AlertNotice, Transition } from '../../alerts/alert.ts';
import type { AlertRecord } from '../../alerts/book.ts';
import { fingerprintOf } from '../../alerts/identity.ts';

/** All of a record but who tells it. */
export type Entry = Omit<AlertRecordOnWire, 'v' | 'released' | 'owner'>;

/** This collector, as the records name it. */
export type Owner = AlertRecordOnWire['owner'];

/** Without who tells it. */
export function entryIn(record: AlertRecordOnWire): Entry {
  const { rule, server, slot, id, kind, severity, reason, processes, steps, active } = record;
  return {
    rule,
    server,
    slot,
    id,
    kind,
    severity,
    reason,
    processes,
    steps,
    active,
    starts_ms: record.starts_ms,
    at_ms: record.at_ms,
    fired_ms: record.fired_ms,
    ended_ms: record.ended_ms,
    notices: record.notices,
  };
}

/** As it goes into the topic: without its oldest notices where it were too large. */
export function onWire(entry: Entry, owner: Owner, released: boolean): string {
  let { notices } = entry;
  for (;;) {
    const record: AlertRecordOnWire = { v: WIRE_VERSION, ...entry, notices, released, owner };
    const json = JSON.stringify(record);
    if (notices.length === 0 || Buffer.byteLength(json) <= alertRecordBytesMax) return json;
    notices = notices.slice(1);
  }
}

/** What a restart or another collector goes on with; undefined when it is over. */
export function alertRecordOf(entry: Entry): AlertRecord | undefined {
  const { rule, server, active, reason, severity, processes, starts_ms, fired_ms } = entry;
  if (active === null) return undefined;
  const { phase, last_ms, clear_since_ms, about, labels, notify } = active;
  const firedAtMs = phase === 'firing' ? fired_ms : null;
  const state = {
    phase,
    firedAtMs,
    startsAtMs: starts_ms,
    lastMs: last_ms,
    clearSinceMs: clear_since_ms,
  };
  return { rule, server, state, reason, severity, about, labels, notify, processes };
}

export function alertOf(entry: Entry): Alert {
  return {
    id: entry.id,
    rule: entry.rule,
    server: entry.server,
    severity: entry.severity,
    kind: entry.kind,
    startsAtMs: entry.starts_ms,
    firedAtMs: entry.fired_ms,
    endedAtMs: entry.ended_ms,
    reason: entry.reason,
    processes: entry.processes,
  };
}

export function transitionsOfEntry({ id, rule, server, starts_ms, steps }: Entry): Transition[] {
  return steps.map(({ kind, severity, at_ms: atMs, reason, window, processes }) => ({
    id,
    rule,
    server,
    kind,
    severity,
    atMs,
    reason,
    processes,
    startsAtMs: starts_ms,
    window: window && { startMs: window.start_ms, endMs: window.end_ms, values: window.values },
  }));
}

export function alertNoticeOf({ rule, server }: Entry, notice: NoticeOnWire): AlertNotice {
  const { id, status, severity, labels, summary, description, processes } = notice;
  return {
    id,
    rule,
    server,
    status,
    severity,
    labels,
    startsAtMs: notice.starts_ms,
    endsAtMs: notice.ends_ms,
    annotations: { summary, description, ...(processes === null ? {} : { processes }) },
    fingerprint: fingerprintOf(labels),
    transitionAtMs: notice.at_ms,
    enqueuedMs: notice.queued_ms,
  };
}

export const keyOf = alertKeyText;

export function stepOf({
  kind,
  severity,
  atMs,
  reason,
  window,
  processes,
}: Transition): AlertStepOnWire {
  const onWireWindow = window && {
    start_ms: window.startMs,
    end_ms: window.endMs,
    values: { ...window.values },
  };
  return { kind, severity, at_ms: atMs, reason, window: onWireWindow, processes };
}

export function noticeOnWire(
  notice: AlertNotice,
  outcomes: NoticeOnWire['outcomes'],
): NoticeOnWire {
  const { id, status, severity, labels, annotations, startsAtMs, endsAtMs } = notice;
  return {
    id,
    status,
    severity,
    labels,
    outcomes,
    starts_ms: startsAtMs,
    ends_ms: endsAtMs,
    summary: annotations.summary,
    description: annotations.description,
    processes: annotations.processes ?? null,
    at_ms: notice.transitionAtMs,
    queued_ms: notice.enqueuedMs,
  };
}
