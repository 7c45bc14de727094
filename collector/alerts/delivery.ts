/**
 * Delivers one notifier's lane, one notification after the other, until each is taken.
 *
 * Invariant: nothing goes out that is not written down as outgoing, and nothing new goes out before
 * it is written down what became of the last one.
 */
import { type BackoffLimits, fullJitterMs } from '../../runtime/backoff.ts';
import type { Clock } from '../../runtime/clock.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { AlertNotice } from './alert.ts';
import { type DeliveryGate, openGate, type Verdict } from './delivery-gate.ts';
import type { DeliveryStore, Outgoing, Settled } from './delivery-store.ts';
import type { Outcome } from './deliveries.ts';
import type { Notification, Notifier } from './notifiers/port.ts';
import { groupNext, type Waiting } from './stages/grouping.ts';
import { type Silence, silenceOf } from './stages/silence.ts';

const backoff: BackoffLimits = { baseMs: 1_000, capMs: 60_000 };
/** Answers that say "not this" before a notification is given up: some two minutes of a receiver's redeployment. */
export const refusalsMax = 10;
/** The same of a notice that goes alone: it was refused with its group so often. */
const refusalsAloneMax = 1;
/** Reminders, and silences that end, are looked at this often; also the longest sleep. */
export const idleMs = 60_000;
/** Alerts of one reminder. */
const remindersMax = 500;
/** What may be told later is looked at this often. */
const laterMs = 1_000;
/** Characters of an error in the delivery log. */
const errorCharsMax = 300;

export interface DeliverySettings {
  readonly silences: readonly Silence[];
  /** Notices of a rule that come within it go out together. */
  readonly groupWaitMs: number;
}

/** Hears what became of notices, for /metrics. */
export interface DeliveryObserver {
  settled(notifier: string, outcome: Outcome, notices: number): void;
  /** From a transition being queued for commit to its notification being taken. */
  delayed(ms: number): void;
}

export interface DeliveryOptions {
  /** The notifier's name, which is its lane. */
  readonly name: string;
  readonly notifier: Notifier;
  readonly store: DeliveryStore;
  /** As they are now: they change with a reload. */
  readonly settings: () => DeliverySettings;
  readonly observer: DeliveryObserver;
  /** Absent: all is ours to tell. */
  readonly gate?: DeliveryGate;
  readonly clock: Clock;
  readonly log: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #gate: DeliveryGate;
  #attempts = 0;
  #refusals = 0;
  /** Monotonic. */
  #retryAtMs = -Infinity;
  /** Monotonic. */
  #idleAtMs = -Infinity;
  /** What became of the last notification, until that is stored. */
  #finished: { readonly notification: Notification; readonly settled: Settled } | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#gate = options.gate ?? openGate;
  }

  /**
   * Does the next thing that is due. Not to be called again before it has ended.
   * @returns ms after which there may be more to do, when nothing new comes
   * @throws when the store cannot be written; then nothing is lost, and it is to be called again later
   */
  async step(signal: AbortSignal): Promise<number> {
    const { name, store, clock, observer } = this.#options;
    this.#record();
    const dropped = store.trim(name, clock.wallMs());
    if (dropped > 0) observer.settled(name, 'dropped', dropped);
    const outgoing = this.#outgoing();
    const pausedMs = this.#retryAtMs - clock.monotonicMs();
    if (pausedMs > 0) return pausedMs;
    if (outgoing !== undefined) {
      const mayGo = this.#verdicts(outgoing.notices).later.length === 0;
      return mayGo ? this.#attempt(outgoing, signal) : laterMs;
    }
    const { now: waiting, later } = this.#waiting();
    const [oldest] = waiting;
    if (oldest === undefined) return later.length > 0 ? laterMs : this.#idle(signal);
    const ageMs = clock.wallMs() - oldest.notice.enqueuedMs;
    const { groupWaitMs } = this.#options.settings();
    // A clock that was set back must not keep it for longer.
    if (ageMs >= 0 && ageMs < groupWaitMs) return groupWaitMs - ageMs;
    this.#take(waiting);
    return 0;
  }

  /** What is on its way, without what is another collector's to tell by now. */
  #outgoing(): Outgoing | undefined {
    const { name, store } = this.#options;
    for (;;) {
      const outgoing = store.outgoing(name);
      const { never } = this.#verdicts(outgoing?.notices ?? []);
      if (never.length === 0) return outgoing;
      // Their ends go first: one that is here when its alert comes back would go before its firing.
      this.#waiting();
      store.leave(name, never);
      this.#attempts = 0;
      this.#refusals = 0;
    }
  }

  /** What waits and may be told now, or later, oldest first. */
  #waiting(): Readonly<Record<Verdict, Waiting[]>> {
    const { name, store } = this.#options;
    for (;;) {
      const { waiting, spoilt } = store.waiting(name);
      if (spoilt.length > 0) this.#dropSpoilt(spoilt);
      const sorted = bySense(waiting, ({ notice }) => this.#gate.mayTell(name, notice));
      if (sorted.never.length === 0) return sorted;
      store.discard(sorted.never.map(({ id }) => id));
    }
  }

  #verdicts(notices: readonly AlertNotice[]): Readonly<Record<Verdict, AlertNotice[]>> {
    return bySense(notices, (notice) => this.#gate.mayTell(this.#options.name, notice));
  }

  #dropSpoilt(ids: readonly number[]): void {
    const { name, store, observer, log } = this.#options;
    store.dropSpoilt(ids);
    const facts = { notifier: name, file: store.path, notices: ids.length };
    log.error(facts, 'damaged notices are dropped');
    observer.settled(name, 'dropped', ids.length);
  }

  #take(waiting: readonly Waiting[]): void {
    const { name, store, clock, observer, settings } = this.#options;
    const grouping = groupNext(waiting, {
      groupWaitMs: settings().groupWaitMs,
      isSilenced: (notice) => this.#isSilenced(notice),
      told: (alertId) => store.told(name, alertId),
    });
    store.take(name, grouping, clock.wallMs());
    for (const { outcome } of grouping.settled) observer.settled(name, outcome, 1);
  }

  /** What began in a silence stays silenced although an outage delayed it; what is silenced now is so, too. */
  #isSilenced(notice: AlertNotice): boolean {
    const { silences } = this.#options.settings();
    return [notice.enqueuedMs, this.#options.clock.wallMs()].some(
      (atMs) => silenceOf(silences, notice, atMs) !== undefined,
    );
  }

  async #attempt({ alone, ...notification }: Outgoing, signal: AbortSignal): Promise<number> {
    this.#attempts += 1;
    try {
      await this.#options.notifier.send(notification, signal);
    } catch (error) {
      if (signal.aborted) return 0;
      if (error instanceof WindrowError && !error.retryable) this.#refusals += 1;
      const refused = this.#refusals >= (alone ? refusalsAloneMax : refusalsMax);
      return refused ? this.#refused(notification, error) : this.#failed(error);
    }
    this.#sent(notification);
    return 0;
  }

  #sent(notification: Notification): void {
    const { name, clock, observer, log } = this.#options;
    if (this.#attempts > 1) log.info({ notifier: name }, 'notifications arrive again');
    const nowMs = clock.wallMs();
    for (const { enqueuedMs } of notification.notices) observer.delayed(nowMs - enqueuedMs);
    this.#finish(notification, { outcome: 'sent', error: null });
  }

  /** For good. One bad notice must not take its group along. */
  #refused(notification: Notification, error: unknown): number {
    const { name, store, log } = this.#options;
    const facts = { notifier: name, error: reasonOf(error) };
    const notices = notification.notices.length;
    if (notices === 1) {
      log.error(facts, 'a notification is given up: it is refused');
      this.#finish(notification, { outcome: 'given up', error: facts.error });
      return 0;
    }
    store.split(name);
    this.#attempts = 0;
    this.#refusals = 0;
    log.error({ ...facts, notices }, 'a notification is refused; its notices are sent one by one');
    return 0;
  }

  /** @returns how long to wait before the next attempt */
  #failed(error: unknown): number {
    const { name, clock, log, random } = this.#options;
    const reason = reasonOf(error);
    if (this.#attempts === 1) {
      log.warn({ notifier: name, error: reason }, 'a notification did not arrive; it is repeated');
    }
    const askedMs = error instanceof WindrowError ? error.retryAfterMs : undefined;
    const waitMs = askedMs ?? fullJitterMs(this.#attempts - 1, backoff, random);
    this.#retryAtMs = clock.monotonicMs() + waitMs;
    return waitMs;
  }

  #finish(
    notification: Notification,
    { outcome, error }: { readonly outcome: Outcome; readonly error: string | null },
  ): void {
    const { name, clock, observer } = this.#options;
    const settled = { outcome, error, attempts: this.#attempts, atMs: clock.wallMs() };
    this.#finished = { notification, settled };
    this.#attempts = 0;
    this.#refusals = 0;
    observer.settled(name, outcome, notification.notices.length);
    this.#record();
  }

  #record(): void {
    if (this.#finished === undefined) return;
    const { notification, settled } = this.#finished;
    this.#options.store.finish(this.#options.name, notification, settled);
    this.#finished = undefined;
  }

  /**
   * Nothing waits. Only then may a silenced firing come back to the queue: its resolve is not in it.
   */
  async #idle(signal: AbortSignal): Promise<number> {
    const { name, store, clock } = this.#options;
    const dueMs = this.#idleAtMs - clock.monotonicMs();
    if (dueMs > 0) return dueMs;
    this.#idleAtMs = clock.monotonicMs() + idleMs;
    const over = this.#told({ held: true }).filter((notice) => {
      const { silences } = this.#options.settings();
      return silenceOf(silences, notice, clock.wallMs()) === undefined;
    });
    if (over.length > 0) {
      store.release(name, over, clock.wallMs());
      return 0;
    }
    await this.#remind(signal);
    return idleMs;
  }

  /** What the receiver was told, or is kept from, of our own alerts. */
  #told(of: { readonly held: boolean }): AlertNotice[] {
    const { name, store } = this.#options;
    const { now, never } = bySense(store.allTold(name, of), (notice) => this.#gate.isOurs(notice));
    if (never.length > 0) store.forgetTold(name, never);
    return now;
  }

  async #remind(signal: AbortSignal): Promise<void> {
    const { name, notifier, log } = this.#options;
    const firing = this.#told({ held: false });
    if (notifier.remind === undefined) return;
    try {
      for (let i = 0; i < firing.length; i += remindersMax) {
        await notifier.remind(firing.slice(i, i + remindersMax), signal);
      }
    } catch (error) {
      // The next reminder is a minute away, and a notification is repeated until it arrives.
      if (!signal.aborted) log.debug({ notifier: name, error: messageOf(error) }, 'not reminded');
    }
  }
}

function bySense<T>(
  items: readonly T[],
  verdictOf: (item: T) => Verdict,
): Readonly<Record<Verdict, T[]>> {
  const sorted: Record<Verdict, T[]> = { now: [], later: [], never: [] };
  for (const item of items) sorted[verdictOf(item)].push(item);
  return sorted;
}

function reasonOf(error: unknown): string {
  return messageOf(error).slice(0, errorCharsMax);
}
