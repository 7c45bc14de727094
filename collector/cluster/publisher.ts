/**
 * Brings records into the log, in the order in which they were given, however long it takes.
 *
 * Invariant: what was given is in the log, in the queue, or dropped.
 */
import { type BackoffLimits, fullJitterMs } from '../../runtime/backoff.ts';
import type { Clock } from '../../runtime/clock.ts';
import { messageOf } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { LogProducer, NewLogRecord } from '../../wire/transport/log/port.ts';
import { unlessAborted } from '../../runtime/unless-aborted.ts';
import { RecordsRefused } from '../../wire/transport/log/refused.ts';
import { Failing } from './failing.ts';
import { Waiters } from './waiters.ts';

/** Records that may wait, of some 1.5 kB each, before no more is taken in; what one batch makes may come on top. */
export const queueRecordsMax = 20_000;
/** Records of one send. */
const sendRecordsMax = 500;
const backoff: BackoffLimits = { baseMs: 250, capMs: 5_000 };
/** While nothing was published for longer though something waits, that is a failure. */
export const unpublishedMsMax = 30_000;

export interface PublisherOptions {
  readonly producer: LogProducer;
  /** Resolves when what is committed is on the disk; undefined when it is. Nobody hears of what a power cut takes back. */
  readonly synced: () => Promise<void> | undefined;
  /** What the records are, for people: `windows`. */
  readonly what: string;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly log: Logger;
  /** Aborts when the collector ends: what waits then is made again by whoever goes on. */
  readonly signal: AbortSignal;
}

interface Waiting {
  /** How many were given before it. */
  readonly no: number;
  readonly record: NewLogRecord;
}

export class Publisher {
  readonly #options: PublisherOptions;
  #queue: Waiting[] = [];
  readonly #waiters = new Waiters();
  readonly #hurry = new AbortController();
  #given = 0;
  /** The first ones of the queue that are on their way. */
  #sending = 0;
  #running: Promise<void> | undefined;
  readonly #failing: Failing;
  /** The topic that did not take what was sent last, and why. */
  #failed: { readonly topic: string; readonly error: unknown } | undefined;
  /** The first one of the queue waits at least since then, monotonic. */
  #sinceMs = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#failing = new Failing(options.log, options.clock);
  }

  /** Records that wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Why nothing has been published for long; undefined while all is well. */
  get failure(): string | undefined {
    const { clock, what } = this.#options;
    if (this.#queue.length === 0) return undefined;
    if (clock.monotonicMs() - this.#sinceMs <= unpublishedMsMax) return undefined;
    const why = this.#failed === undefined ? '' : `: ${messageOf(this.#failed.error)}`;
    return `no ${what} have been published for more than ${unpublishedMsMax / 1_000} s${why}`;
  }

  give(records: Iterable<NewLogRecord>): void {
    if (this.#queue.length === 0) this.#sinceMs = this.#options.clock.monotonicMs();
    for (const record of records) {
      this.#queue.push({ no: this.#given, record });
      this.#given += 1;
    }
    if (this.#queue.length > 0) this.#running ??= this.#run();
  }

  /** Sends these no more, but for what is on its way. @returns what was dropped */
  drop(isMeant: (record: NewLogRecord) => boolean): NewLogRecord[] {
    const sending = this.#sending;
    const isDropped = ({ record }: Waiting, i: number): boolean => i >= sending && isMeant(record);
    const [first] = this.#queue;
    const dropped = this.#queue.filter(isDropped);
    this.#queue = this.#queue.filter((queued, i) => !isDropped(queued, i));
    if (this.#queue[0] !== first) this.#sinceMs = this.#options.clock.monotonicMs();
    this.#waiters.look();
    return dropped.map(({ record }) => record);
  }

  /** @throws WindrowError `aborted` */
  room(signal: AbortSignal): Promise<void> {
    return this.#waiters.until(() => this.#queue.length < queueRecordsMax, signal);
  }

  /** Resolves when all given so far are in the log, or dropped. @throws WindrowError `aborted` */
  published(signal: AbortSignal): Promise<void> {
    const given = this.#given;
    return this.#waiters.until(() => (this.#queue[0]?.no ?? Infinity) >= given, signal);
  }

  /** The collector is about to end: what fails is tried again at once, and soon from then on. */
  hurry(): void {
    this.#hurry.abort();
  }

  /** After the signal has aborted. */
  async close(): Promise<void> {
    await this.#running;
    await this.#options.producer.close();
  }

  async #run(): Promise<void> {
    const { signal, clock } = this.#options;
    let failures = 0;
    while (this.#queue.length > 0 && !signal.aborted) {
      const records = this.#next();
      this.#sending = records.length;
      const failure = await this.#send(records);
      this.#sending = 0;
      if (failure === undefined) {
        this.#tellOver(records[0]?.topic);
        failures = 0;
        this.#sinceMs = clock.monotonicMs();
        this.#queue.splice(0, records.length);
        this.#waiters.look();
      } else if (!signal.aborted) {
        this.#tell(failure, records[0]?.topic ?? '');
        await this.#pause(failures);
        failures += 1;
      }
    }
    this.#running = undefined;
  }

  async #pause(failures: number): Promise<void> {
    const { signal } = this.#options;
    const hurry = this.#hurry.signal;
    const waitMs = fullJitterMs(hurry.aborted ? 0 : failures, backoff, Math.random);
    await pause(waitMs, hurry.aborted ? signal : AbortSignal.any([signal, hurry]));
  }

  /** Of one topic: a send is no unit, and what follows in another topic may be there before it. */
  #next(): NewLogRecord[] {
    const records = this.#queue.slice(0, sendRecordsMax).map(({ record }) => record);
    const end = records.findIndex(({ topic }) => topic !== records[0]?.topic);
    return end === -1 ? records : records.slice(0, end);
  }

  /** Nobody else has what is not published: it waits, but for what the log will never take. */
  async #send(records: readonly NewLogRecord[]): Promise<unknown> {
    const { producer, synced, signal } = this.#options;
    try {
      const syncing = synced();
      if (syncing !== undefined) await unlessAborted(syncing, signal, 'waiting for the disk');
      await producer.send(records, signal);
      return undefined;
    } catch (error) {
      if (error instanceof RecordsRefused) return this.#leaveOut(error);
      return error ?? 'unknown';
    }
  }

  #leaveOut({ records, message, hint }: RecordsRefused): void {
    const { log, what } = this.#options;
    const facts = { keys: records.map(({ key }) => key), ...(hint === undefined ? {} : { hint }) };
    log.error(facts, `${message}; of ${what} ${records.length} are left out`);
  }

  #tell(error: unknown, topic: string): void {
    this.#failed = { topic, error };
    const { what } = this.#options;
    this.#failing.failed(error, `${what} wait to be published`, { waiting: this.#queue.length });
  }

  /** What waited may have been dropped: that another topic takes its records says nothing of the one that did not. */
  #tellOver(topic: string | undefined): void {
    if (this.#failed === undefined || this.#failed.topic !== topic) return;
    this.#failed = undefined;
    const { log, what } = this.#options;
    if (this.#failing.over()) log.info(`${what} are published again`);
  }
}
