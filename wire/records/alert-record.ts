/**
 * One rule on one server (or on the fleet) as the collector that judges it tells the others: one
 * record on `alerts`, which is compacted, so that the newest of each key stays.
 *
 * It holds all that another collector needs to go on: where the alert stands, and what became of
 * each notice. `owner.term` grows whenever slots change hands: of two records of a key, the one with
 * the lower term is of a collector that has been replaced.
 */
import { z } from 'zod';
import { ALERT_SEVERITIES, ALERT_STEP_KINDS } from '../alerts.ts';
import {
  alertNamesMax,
  alertNoticesMax,
  alertRecordBytesMax,
  alertStepsMax,
  alertTextCharsMax,
  ownerUrlCharsMax,
  partitionsMax,
  timestampMsMax,
  windowMsMax,
} from '../limits.ts';
import { WIRE_VERSION } from '../version.ts';
import { inert, name, plainUrl, serverId, timestampMs } from './fields.ts';
import { explain, parseJson } from './json.ts';

export const ALERTS_TOPIC = 'alerts';

/** What became of a notice; a notifier that is not named has nothing to do with it. */
export const NOTICE_OUTCOMES = [
  'waiting',
  'sent',
  'silenced',
  'not needed',
  'given up',
  'dropped',
] as const;

const ruleName = z.string().regex(/^[a-z0-9-]{1,64}$/);
const alertId = z.string().regex(/^[0-9a-f]{16}$/);
const text = z.string().max(alertTextCharsMax).overwrite(inert);
const severity = z.enum(ALERT_SEVERITIES);
/** A window may begin before its source's first event. */
const windowTimeMs = z.number().int().min(-windowMsMax).max(timestampMsMax);
/** A table by name. */
const named = <T extends z.ZodType>(value: T) =>
  z
    .record(z.string().min(1).max(64), value)
    .refine((table) => Object.keys(table).length <= alertNamesMax, 'has too many names');

const step = z.object({
  kind: z.enum(ALERT_STEP_KINDS),
  severity,
  /** The end of the window, or the moment of what else was the reason, by the collector's clock. */
  at_ms: timestampMs,
  reason: text,
  window: z
    .object({ start_ms: windowTimeMs, end_ms: windowTimeMs, values: named(z.number()) })
    .nullable(),
  /** The top processes of that server when it fired. */
  processes: text.nullable(),
});

const active = z.object({
  phase: z.enum(['pending', 'firing']),
  /** The newest evidence. */
  last_ms: timestampMs,
  /** Since when it has been clear, while firing. */
  clear_since_ms: timestampMs.nullable(),
  about: text,
  /** The rule's own. */
  labels: named(text),
  /** Notifiers that are told of its end. */
  notify: z.array(ruleName).max(alertNamesMax),
});

const notice = z.object({
  id: alertId,
  status: z.enum(['firing', 'resolved']),
  starts_ms: timestampMs,
  ends_ms: timestampMs.nullable(),
  severity,
  labels: named(text),
  summary: text,
  description: text,
  processes: text.nullable(),
  /** Of the transition. */
  at_ms: timestampMs,
  queued_ms: timestampMs,
  /** By notifier. */
  outcomes: named(z.enum(NOTICE_OUTCOMES)),
});

const owner = z.object({
  /** The member of the group. */
  id: name.min(1),
  /** Where its page is. */
  url: plainUrl(ownerUrlCharsMax),
  term: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
});

export const alertRecordSchema = z
  .object({
    v: z.literal(WIRE_VERSION),
    rule: ruleName,
    /** '' for the fleet. */
    server: z.union([z.literal(''), serverId]),
    /** Partition of the samples' topics that the server's records come in; 0 for the fleet. */
    slot: z.number().int().min(0).max(partitionsMax),
    /** Of the alert: the same for its firing, its resolve and their notifications. */
    id: alertId,
    starts_ms: timestampMs,
    /** Its newest step. */
    kind: z.enum(ALERT_STEP_KINDS),
    severity,
    at_ms: timestampMs,
    reason: text,
    /** Null when it has not fired. */
    fired_ms: timestampMs.nullable(),
    /** Null while it is active. */
    ended_ms: timestampMs.nullable(),
    /** The top processes of that server when it fired. */
    processes: text.nullable(),
    /** Oldest first; of an alert that goes on for longer than they are kept, those that are left. */
    steps: z.array(step).max(alertStepsMax),
    /** What whoever takes it over needs to go on; null when it is over. */
    active: active.nullable(),
    /** Of this alert, and what still waits of earlier ones of the rule and server, in order. */
    notices: z.array(notice).max(alertNoticesMax),
    /** Its collector sends nothing of it any longer: another may at once. */
    released: z.boolean(),
    owner,
  })
  .refine(
    ({ active: now, ended_ms: endedMs }) => (now === null) === (endedMs !== null),
    'is active or has an end',
  )
  .refine(
    ({ active: now, fired_ms: firedMs }) => now?.phase !== 'firing' || firedMs !== null,
    'fires since when',
  );

export type AlertRecordOnWire = z.infer<typeof alertRecordSchema>;
export type AlertStepOnWire = AlertRecordOnWire['steps'][number];
export type NoticeOnWire = AlertRecordOnWire['notices'][number];
export type NoticeOutcome = (typeof NOTICE_OUTCOMES)[number];

/** Whose record it is: `server` is '' for the fleet. */
export interface AlertKey {
  readonly rule: string;
  readonly server: string;
}

/** No rule's name holds the bar. */
export function alertKeyText({ rule, server }: AlertKey): string {
  return `${rule}|${server}`;
}

export type DecodedAlert =
  | { readonly kind: 'alert'; readonly record: AlertRecordOnWire }
  /** Nothing is kept of it any longer. */
  | { readonly kind: 'gone'; readonly key: AlertKey }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Never throws. */
export function decodeAlert(record: {
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
}): DecodedAlert {
  const { value } = record;
  const key = keyOf(record.key);
  if (key === undefined) return malformed('the key is not RULE|SERVER');
  if (value === undefined) return { kind: 'gone', key };
  if (value.length > alertRecordBytesMax) {
    return malformed(`longer than ${alertRecordBytesMax} bytes`);
  }
  const parsed = alertRecordSchema.safeParse(parseJson(value.toString()));
  if (!parsed.success) return malformed(explain(parsed.error));
  if (alertKeyText(parsed.data) !== alertKeyText(key)) return malformed('the key is not its own');
  return { kind: 'alert', record: parsed.data };
}

function keyOf(key: Buffer | undefined): AlertKey | undefined {
  const keyText = key?.toString() ?? '';
  const bar = keyText.indexOf('|');
  const [rule, server] = [keyText.slice(0, Math.max(0, bar)), keyText.slice(bar + 1)];
  const isKey = ruleName.safeParse(rule).success;
  const isSubject = server === '' || serverId.safeParse(server).success;
  return isKey && isSubject ? { rule, server } : undefined;
}

function malformed(reason: string): DecodedAlert {
  return { kind: 'malformed', reason: `alert: ${reason}` };
}
