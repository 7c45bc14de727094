/** One notifier's delivery over a real database, with a scripted receiver and a clock that stands still. */
import type { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { WindrowError } from '../../../runtime/errors.ts';
import { DurableQueue } from '../../../runtime/queue/queue.ts';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { createManualClock, noonMs } from '../../../runtime/testing/manual-clock.ts';
import { openForWriting } from '../../store/database.ts';
import type { AlertNotice } from '../alert.ts';
import { deliveriesOf } from '../deliveries.ts';
import { Delivery, type DeliverySettings } from '../delivery.ts';
import { openGate } from '../delivery-gate.ts';
import { DeliveryStore } from '../delivery-store.ts';
import type { Notification, Notifier } from '../notifiers/port.ts';

export const name = 'ops';
const never = new AbortController().signal;

export class ScriptedNotifier implements Notifier {
  readonly sent: Notification[] = [];
  readonly reminded: (readonly AlertNotice[])[] = [];
  /** What happens to a notification; undefined when it is taken. */
  answer: (notification: Notification) => Error | undefined = () => undefined;

  async send(notification: Notification): Promise<string> {
    const error = this.answer(notification);
    if (error !== undefined) throw error;
    this.sent.push(notification);
    return '200 OK';
  }

  async remind(firing: readonly AlertNotice[]): Promise<void> {
    this.reminded.push(firing);
  }
}

export const down = new WindrowError('unreachable', 'nobody is there', { retryable: true });
export const refusal = new WindrowError('refused', 'the receiver answered 400', {
  retryable: false,
});

export function deliveryRig(dataDir: string, startMs = noonMs, gate = openGate) {
  const clock = createManualClock(startMs);
  const { log, lines } = createKeptLog();
  const notifier = new ScriptedNotifier();
  const settings: { -readonly [K in keyof DeliverySettings]: DeliverySettings[K] } = {
    silences: [],
    groupWaitMs: 500,
  };
  const counts: Record<string, number> = {};
  const delaysMs: number[] = [];
  const open = (): { db: DatabaseSync; delivery: Delivery; store: DeliveryStore } => {
    const db = openForWriting(dataDir);
    const store = new DeliveryStore(db, gate);
    const observer = {
      settled: (_: string, outcome: string, notices: number) => {
        counts[outcome] = (counts[outcome] ?? 0) + notices;
      },
      delayed: (ms: number) => void delaysMs.push(ms),
    };
    const random = (): number => 0.5;
    const options = { name, notifier, store, gate, observer, clock, log, random };
    return { db, store, delivery: new Delivery({ ...options, settings: () => settings }) };
  };
  let opened = open();
  onTestFinished(() => opened.db.close());
  return {
    clock,
    notifier,
    settings,
    counts,
    delaysMs,
    lines,
    get db() {
      return opened.db;
    },
    get store() {
      return opened.store;
    },
    /** As the writer does in the commit of the transition. */
    enqueue(...notices: readonly AlertNotice[]): void {
      const queue = new DurableQueue(opened.db);
      for (const notice of notices) {
        const body = JSON.stringify(notice);
        queue.add({ lane: name, no: null, atMs: notice.enqueuedMs, body });
      }
    },
    step: (): Promise<number> => opened.delivery.step(never),
    /** Steps until there is nothing to do at this moment. @returns ms until there is */
    async settle(): Promise<number> {
      for (;;) {
        const waitMs = await opened.delivery.step(never);
        if (waitMs > 0) return waitMs;
      }
    },
    /** The program ends and starts anew: all that was in memory is gone. */
    restart(): void {
      opened.db.close();
      opened = open();
    },
  };
}

export type DeliveryRig = ReturnType<typeof deliveryRig>;

/** `server status` of each notice, by notification. */
export function sentTo({ notifier }: DeliveryRig): string[][] {
  return notifier.sent.map(({ notices }) => notices.map((n) => `${n.server} ${n.status}`));
}

export function outcomesOf({ db }: DeliveryRig, { id }: AlertNotice): string[] {
  return deliveriesOf(db, id).map(({ status, outcome }) => `${status} ${outcome}`);
}
