/**
 * What of a notifier's lane goes out next, and together. Pure.
 *
 * Invariant: of one alert nothing overtakes: a notification holds at most one notice of a subject,
 * always the oldest that waits, and a resolve is in it only when its firing was told before.
 *
 * What was taken over from another collector goes as that one grouped it, as far as that can be
 * known: it may have told it, and only the same notices together have the same key again.
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
  /** For so long notices waited for others at whoever had them before. */
  readonly groupWaitMs: number;
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
  const ofRule = waiting.filter(({ notice }) => notice.rule === rule);
  const isOfGroup = groupOf(ofRule, context);
  const sent = new Map<string, Waiting>();
  /** Subjects whose oldest notice is of another group. */
  const behind = new Set<string>();
  const settled: Grouping['settled'][number][] = [];
  for (const item of ofRule) {
    const { notice } = item;
    if (sent.size === noticesMax) break;
    if (sent.has(notice.server) || behind.has(notice.server)) continue;
    if (!isOfGroup(notice)) {
      behind.add(notice.server);
      continue;
    }
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

/** Ours go together however long they waited, what was taken over as it came to its former owner. */
function groupOf(
  ofRule: readonly Waiting[],
  { groupWaitMs }: GroupingContext,
): (notice: AlertNotice) => boolean {
  const formerOwner = ofRule[0]?.notice.formerOwner;
  if (formerOwner === undefined) return (notice) => notice.formerOwner === undefined;
  // It was taken over alert by alert, so the first in the queue need not be the oldest.
  const oldest = new Map<string, AlertNotice>();
  for (const { notice } of ofRule) {
    if (!oldest.has(notice.server)) oldest.set(notice.server, notice);
  }
  const itsMs = [...oldest.values()]
    .filter((notice) => notice.formerOwner === formerOwner)
    .map(({ enqueuedMs }) => enqueuedMs);
  const endMs = Math.min(...itsMs) + groupWaitMs;
  return (notice) => notice.formerOwner === formerOwner && notice.enqueuedMs <= endMs;
}

/** The labels may have changed with the rules; the receiver knows the alert by those that it was told. */
function asTold(resolve: AlertNotice, { labels, severity, fingerprint }: AlertNotice): AlertNotice {
  return { ...resolve, labels, severity, fingerprint };
}
