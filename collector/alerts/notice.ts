/** What a person is told of an alert. */
import type { AlertNotice, Severity, Transition } from './alert.ts';
import { fingerprintOf } from './identity.ts';

export interface Telling {
  readonly severity: Severity;
  readonly about: string;
  /** The rule's own. */
  readonly labels: Readonly<Record<string, string>>;
  readonly processes: string | undefined;
  /** The collector's clock. */
  readonly nowMs: number;
}

export function noticeOf(
  transition: Transition & { readonly kind: 'firing' | 'resolved' },
  { severity, about, labels: own, processes, nowMs }: Telling,
): AlertNotice {
  const { id, rule, server, kind, atMs, startsAtMs, reason } = transition;
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
      ...(processes === undefined ? {} : { processes }),
    },
    fingerprint: fingerprintOf(labels),
    transitionAtMs: atMs,
    enqueuedMs: nowMs,
  };
}
