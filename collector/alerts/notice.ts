/** What a person is told of an alert. */
import type { AlertNotice, Severity, Transition } from './alert.ts';
import { fingerprintOf } from './identity.ts';

export interface Telling {
  readonly severity: Severity;
  readonly about: string;
  /** The rule's own. */
  readonly labels: Readonly<Record<string, string>>;
  /** The collector's clock. */
  readonly nowMs: number;
}

export function noticeOf(
  transition: Transition & { readonly kind: 'firing' | 'resolved' },
  { severity, about, labels: own, nowMs }: Telling,
): AlertNotice {
  const { id, rule, server, kind, atMs, startsAtMs, reason, processes } = transition;
  const labels = {
    ...own,
    alertname: rule,
    ...(server === '' ? {} : { server }),
    severity,
  };
  return {
    id,
    rule,
    server,
    status: kind,
    startsAtMs,
    endsAtMs: kind === 'resolved' ? atMs : null,
    severity,
    labels,
    annotations: {
      summary: `${server || 'fleet'}: ${about}`,
      description: reason,
      ...(processes === null ? {} : { processes }),
    },
    fingerprint: fingerprintOf(labels),
    transitionAtMs: atMs,
    enqueuedMs: nowMs,
  };
}
