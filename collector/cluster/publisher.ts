/**
 * Brings records into the log, in the order in which they were given, however long it takes.
 *
 * Invariant: what was given is in the log, in the queue, or dropped.
 */
import { type BackoffLimits, fullJitterMs } from '../../runtime/backoff.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { LogProducer, NewLogRecord } from '../../wire/transport/log/port.ts';
import { RecordsRefused } from '../../wire/transport/log/refused.ts';
import { Waiters } from './waiters.ts';

/** Records that may wait, of some 1.5 kB each, before no more is taken in; what one batch makes may come on top. */
export const queueRecordsMax = 20_000;
/** Records of one send. */
const sendRecordsMax = 500;
const backoff: BackoffLimits = { baseMs: 250, capMs: 5_000 };

export interface PublisherOptions {
  readonly producer: LogProducer;
  /** What the records are, for people: `windows`. */
  readonly what: string;
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

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Records that wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  give(records: Iterable<NewLogRecord>): void {
    for (const record of records) {
      this.#queue.push({ no: this.#given, record });
      this.#given += 1;
    }
    if (this.#queue.length > 0) this.#running ??= this.#run();
  }

  /** Sends these no more, but for what is on its way. */
  drop(isMeant: (record: NewLogRecord) => boolean): void {
    const sending = this.#sending;
    this.#queue = this.#queue.filter(({ record }, i) => i < sending || !isMeant(record));
    this.#waiters.look();
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
    const { signal, log, what } = this.#options;
    let failures = 0;
    while (this.#queue.length > 0 && !signal.aborted) {
      const records = this.#next();
      this.#sending = records.length;
      const failure = await this.#send(records);
      this.#sending = 0;
      if (failure === undefined) {
        if (failures > 0) log.info(`${what} are published again`);
        failures = 0;
        this.#queue.splice(0, records.length);
        this.#waiters.look();
      } else if (!signal.aborted) {
        if (failures === 0) this.#tell(failure);
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
    const { producer, signal } = this.#options;
    try {
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

  #tell(failure: unknown): void {
    const hint = failure instanceof WindrowError ? failure.hint : undefined;
    const { log, what } = this.#options;
    const facts = { waiting: this.#queue.length, ...(hint === undefined ? {} : { hint }) };
    log.warn(facts, `${messageOf(failure)}; ${what} wait to be published`);
  }
}
