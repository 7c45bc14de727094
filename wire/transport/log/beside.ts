/**
 * What goes into a log beside samples: inventories, and copies for consumers of another format. A
 * topic of it may be refused, or have no leader, while that of samples is well: then it waits here,
 * in memory, and samples go on. As long as nothing fails a batch waits for it, so that what is
 * acknowledged is in the log whole.
 */
import { messageOf, WindrowError } from '../../../runtime/errors.ts';
import { withinMs } from '../../../runtime/lifecycle.ts';
import type { Logger } from '../../../runtime/logging.ts';
import { unlessAborted } from '../../../runtime/unless-aborted.ts';
import type { Trouble } from '../kafka/trouble.ts';
import type { Log, LogProducer, NewLogRecord, TopicSpec } from './port.ts';
import { RecordsRefused } from './refused.ts';

/** A batch waits for it this long once; those behind it wait no more until it works again. */
const besideMsMax = 2_000;
/** Of one topic: some hours' worth of one machine's copies. More takes the place of the oldest. */
const waitingMax = 10_000;
/** Records of one send. */
const atOnceMax = 500;

export interface BesideOptions {
  /** Made when they are missing; each is a lane of its own. */
  readonly topics: readonly TopicSpec[];
  /** Tells what fails, and waits before the next try. */
  readonly trouble: (topic: string) => Pick<Trouble, 'failed' | 'over'>;
  readonly log: Logger;
}

export class Beside {
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #producer: LogProducer;
  readonly #closing = new AbortController();

  constructor(log: Log, options: BesideOptions) {
    // Of its own: one request of a producer is on its way at a time.
    const producer = log.producer();
    const signal = this.#closing.signal;
    this.#producer = producer;
    this.#lanes = new Map(
      options.topics.map((topic) => [
        topic.name,
        new Lane({ log, producer, topic, signal, options }),
      ]),
    );
  }

  takes({ topic }: NewLogRecord): boolean {
    return this.#lanes.has(topic);
  }

  /** Resolves when they are in the log, or when nobody is to wait for that any longer; never rejects. */
  async add(records: readonly NewLogRecord[], signal: AbortSignal): Promise<void> {
    const byTopic = Map.groupBy(records, ({ topic }) => topic);
    const added = Promise.all(
      [...byTopic].map(async ([topic, ofTopic]) => this.#lanes.get(topic)?.add(ofTopic)),
    );
    // Of one producer: one that is slow makes the others late.
    const isLate = this.#lanes.values().some((lane) => lane.isFailing);
    if (isLate || this.#closing.signal.aborted) return;
    await unlessAborted(added, signal, 'writing').catch(() => {});
  }

  /** What waits is given up. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#producer.close();
  }
}

interface LaneOptions {
  readonly log: Log;
  readonly producer: LogProducer;
  readonly topic: TopicSpec;
  readonly signal: AbortSignal;
  readonly options: BesideOptions;
}

class Lane {
  readonly #options: LaneOptions;
  readonly #trouble: Pick<Trouble, 'failed' | 'over'>;
  readonly #waiting = new Set<NewLogRecord>();
  #isThere = false;
  #isFailing = false;
  #isFull = false;
  #isWriting = false;
  /** Resolves when nothing waits, or at the first failure. */
  #answered = Promise.withResolvers<void>();

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#trouble = options.options.trouble(options.topic.name);
  }

  get isFailing(): boolean {
    // Whose last write came late, and has nothing more to write, holds nobody up.
    return this.#isFailing && this.#waiting.size > 0;
  }

  async add(records: readonly NewLogRecord[]): Promise<void> {
    const { promise } = this.#answered;
    for (const record of records) this.#waiting.add(record);
    this.#makeRoom();
    if (!this.#isWriting) void this.#writeAll();
    if (this.#isFailing) return;
    await withinMs('writing', besideMsMax, () => promise).catch(() => (this.#isFailing = true));
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    const { signal } = this.#options;
    this.#isWriting = true;
    while (this.#waiting.size > 0 && !signal.aborted) {
      try {
        const fromMs = performance.now();
        await this.#write([...this.#waiting.values().take(atOnceMax)]);
        this.#trouble.over();
        // What works late is waited for as little as what fails.
        this.#isFailing = performance.now() - fromMs > besideMsMax;
        this.#isFull = false;
      } catch (error) {
        this.#isFailing = true;
        this.#answer();
        await this.#trouble.failed(told(error), signal);
      }
    }
    this.#isWriting = false;
    this.#answer();
  }

  async #write(records: readonly NewLogRecord[]): Promise<void> {
    const { producer, topic, signal, options } = this.#options;
    try {
      if (!this.#isThere) await this.#make();
      this.#isThere = true;
      await producer.send(records, signal);
    } catch (error) {
      if (!(error instanceof RecordsRefused)) {
        // It may be that somebody deleted it.
        this.#isThere = false;
        throw error;
      }
      const facts = { topic: topic.name, records: error.records.length };
      options.log.error(facts, 'records are too large and are dropped');
    }
    for (const record of records) this.#waiting.delete(record);
  }

  async #make(): Promise<void> {
    const { log, topic, signal } = this.#options;
    const admin = log.admin();
    try {
      await admin.ensure([topic], signal);
    } finally {
      await admin.close();
    }
  }

  #makeRoom(): void {
    const over = this.#waiting.size - waitingMax;
    if (over <= 0) return;
    for (const record of this.#waiting.values().take(over)) this.#waiting.delete(record);
    if (this.#isFull) return;
    this.#isFull = true;
    const { options, topic } = this.#options;
    options.log.warn({ topic: topic.name, waitingMax }, 'too much waits: the oldest are dropped');
  }

  #answer(): void {
    this.#answered.resolve();
    this.#answered = Promise.withResolvers<void>();
  }
}

function told(error: unknown): WindrowError {
  if (error instanceof WindrowError) return error;
  return new WindrowError('unreachable', messageOf(error), { cause: error, retryable: true });
}
