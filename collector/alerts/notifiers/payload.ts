/**
 * Notices in the forms that others read. Pure.
 * Sources: Alertmanager's webhook message, version 4
 * (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config), and `postableAlerts`
 * of its API v2 (api/v2/openapi.yaml in its repository).
 */
import type { AlertNotice } from '../alert.ts';
import type { Notification } from './port.ts';

type Texts = Readonly<Record<string, string>>;

/** What Alertmanager writes where an alert has not ended. */
const notEnded = '0001-01-01T00:00:00Z';
/** Alertmanager resolves an alert that it has not heard of for so long; reminders come each minute. */
const heldMs = 4 * 60 * 60 * 1000;

export interface WebhookMessage {
  readonly version: '4';
  readonly groupKey: string;
  readonly truncatedAlerts: 0;
  /** `firing` when any of the alerts is. */
  readonly status: 'firing' | 'resolved';
  /** The notifier's name. */
  readonly receiver: string;
  readonly groupLabels: Texts;
  readonly commonLabels: Texts;
  readonly commonAnnotations: Texts;
  readonly externalURL: string;
  readonly alerts: readonly {
    readonly status: 'firing' | 'resolved';
    readonly labels: Texts;
    readonly annotations: Texts;
    readonly startsAt: string;
    readonly endsAt: string;
    readonly generatorURL: string;
    readonly fingerprint: string;
  }[];
}

export interface Addressing {
  /** The notifier's name. */
  readonly receiver: string;
  /** `http://host:port`, where a person finds the page. */
  readonly pageUrl: string;
}

export function webhookMessage(
  { notices }: Notification,
  { receiver, pageUrl }: Addressing,
): WebhookMessage {
  const rule = notices[0]?.rule ?? '';
  return {
    version: '4',
    groupKey: `{}:{alertname=${JSON.stringify(rule)}}`,
    truncatedAlerts: 0,
    status: notices.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
    receiver,
    groupLabels: { alertname: rule },
    commonLabels: common(notices.map(({ labels }) => labels)),
    commonAnnotations: common(notices.map(annotationsOf)),
    externalURL: pageUrl,
    alerts: notices.map((notice) => ({
      status: notice.status,
      labels: notice.labels,
      annotations: annotationsOf(notice),
      startsAt: isoTime(notice.startsAtMs),
      endsAt: notice.endsAtMs === null ? notEnded : isoTime(notice.endsAtMs),
      generatorURL: alertUrl(pageUrl, notice),
      fingerprint: notice.fingerprint,
    })),
  };
}

export interface PostableAlert {
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

export function postableAlerts(
  notices: readonly AlertNotice[],
  { pageUrl, nowMs }: { readonly pageUrl: string; readonly nowMs: number },
): PostableAlert[] {
  return notices.map((notice) => ({
    labels: notice.labels,
    annotations: annotationsOf(notice),
    startsAt: isoTime(notice.startsAtMs),
    endsAt: isoTime(notice.endsAtMs ?? nowMs + heldMs),
    generatorURL: alertUrl(pageUrl, notice),
  }));
}

function annotationsOf({ annotations }: AlertNotice): Texts {
  return { ...annotations };
}

/** Where the page explains this alert. */
function alertUrl(pageUrl: string, { id }: AlertNotice): string {
  return `${pageUrl}/#/alerts/${id}`;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** The pairs that all of them have. */
function common([first = {}, ...rest]: readonly Texts[]): Texts {
  const shared = Object.entries(first).filter(([key, value]) =>
    rest.every((texts) => texts[key] === value),
  );
  return Object.fromEntries(shared);
}
