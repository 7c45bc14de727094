/**
 * What of a notifier's lane goes out next, and together. Pure.
 *
 * Invariant: of one alert nothing overtakes: a notification holds at most one notice of a subject,
 * always the oldest that waits, and a resolve is in it only when its firing was told before.
 */
import type { AlertNotice } from '../alert.ts';

/** Notices of one notification. */
export const noticesMax = 50;

/** An item of the lane. */
export interface Waiting {
  readonly id: number;
  readonly notice: AlertNotice;
}

/** What this notifier's receiver knows of an alert. */
export interface Told {
  readonly notice: AlertNotice;
  /** Kept back by a silence: the receiver knows nothing yet. */
  readonly held: boolean;
}

export interface GroupingContext {
  readonly isSilenced: (notice: AlertNotice) => boolean;
  readonly told: (alertId: string) => Told | undefined;
}

export interface Grouping {
  /** What goes out together; a resolve carries the labels with which its firing was told. */
  readonly sent: readonly Waiting[];
  /**
   * What does not go out, in order: firings that a silence keeps back, and resolves of which the
   * receiver never had the firing.
   */
  readonly settled: readonly {
    readonly item: Waiting;
    readonly outcome: 'silenced' | 'not needed';
  }[];
}

/** @param waiting the oldest items of the lane, in order */
export function groupNext(waiting: readonly Waiting[], context: GroupingContext): Grouping {
  const rule = waiting[0]?.notice.rule;
  const sent = new Map<string, Waiting>();
  const settled: Grouping['settled'][number][] = [];
  for (const item of waiting) {
    const { notice } = item;
    if (sent.size === noticesMax) break;
    if (notice.rule !== rule || sent.has(notice.server)) continue;
    if (notice.status === 'firing') {
      if (context.isSilenced(notice)) settled.push({ item, outcome: 'silenced' });
      else sent.set(notice.server, item);
      continue;
    }
    const told = context.told(notice.id);
    if (told === undefined || told.held) settled.push({ item, outcome: 'not needed' });
    else sent.set(notice.server, { ...item, notice: asTold(notice, told.notice) });
  }
  return { sent: [...sent.values()], settled };
}

/** The labels may have changed with the rules; the receiver knows the alert by those that it was told. */
function asTold(resolve: AlertNotice, { labels, severity, fingerprint }: AlertNotice): AlertNotice {
  return { ...resolve, labels, severity, fingerprint };
}
