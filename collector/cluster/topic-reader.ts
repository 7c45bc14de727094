/** Follows one topic, whole, from where the store has read it to, whatever happens to the brokers. */
import { type BackoffLimits, fullJitterMs } from '../../runtime/backoff.ts';
import type { Clock } from '../../runtime/clock.ts';
import { messageOf } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import type {
  LogReader,
  LogRecord,
  PartitionOffset,
  UnreadableRecords,
} from '../../wire/transport/log/port.ts';
import type { StoreWriter } from '../store/writer.ts';
import { Failing } from './failing.ts';
import { Heard } from './heard.ts';
import type { TopicPositions } from './topic-positions.ts';
import { Waiters } from './waiters.ts';

const backoff: BackoffLimits = { baseMs: 250, capMs: 5_000 };
/** Records taken in before their commit is waited for: some MiB, so that catching up waits for few commits. */
const unstoredRecordsMax = 5_000;

export interface TopicReaderOptions {
  readonly topic: string;
  readonly reader: LogReader;
  /** What its records are, for people: `windows`. */
  readonly what: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly positions: TopicPositions;
  /** Another topic of that name was read before. */
  readonly onAnew?: () => void;
  /**
   * Takes records in, into the group that waits for the commit, or a later one's. Some may come twice:
   * those that an ended session still hands over.
   */
  readonly take: (records: readonly LogRecord[]) => void;
  /** What cannot be read, in its place among them; may come twice, too. */
  readonly unreadable: (records: UnreadableRecords) => void;
  readonly store: Pick<StoreWriter, 'group' | 'scheduleRead' | 'committed' | 'failure'>;
}

export class TopicReader {
  readonly #options: TopicReaderOptions;
  readonly #waiters = new Waiters();
  readonly #failing: Failing;
  #session: AbortController | undefined;
  /** Questions whether all has been read, and how many of them are answered. */
  #asked = 0;
  #answered = 0;
  /** Records since a commit was waited for. */
  #unstored = 0;
  /** All partitions of the topic have been heard of. */
  #knowsAll = false;
  #failure: string | undefined;
  /** By partition: how far it was read, and heard through. */
  readonly #partitions = new Map<number, { nextOffset: number; readonly heard: Heard }>();

  constructor(options: TopicReaderOptions) {
    this.#options = options;
    this.#failing = new Failing(options.log, options.clock);
  }

  /** Resolves once all that was in the topic at the call has been read. @throws WindrowError `aborted` */
  caughtUp(signal: AbortSignal): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    // A reader is told its end once, when it begins: so it begins anew, where it is.
    this.#session?.abort();
    return this.#waiters.until(() => this.#answered >= asked, signal);
  }

  /** Why not all of the topic can be read; undefined while all is well. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** What was written into the topic until then, monotonic, has been taken in; −∞ while nobody knows. */
  get heardThroughMs(): number {
    if (!this.#knowsAll) return Number.NEGATIVE_INFINITY;
    return Math.min(...[...this.#partitions.values()].map(({ heard }) => heard.throughMs));
  }

  /** Until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { what } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      const session = new AbortController();
      this.#session = session;
      try {
        this.#failure = undefined;
        await this.#follow(session.signal, signal);
        failures = 0;
      } catch (error) {
        this.#failure = messageOf(error);
        this.#failing.failed(error, `${what} of other collectors wait`);
        await pause(fullJitterMs(failures, backoff, Math.random), signal);
        failures += 1;
      }
    }
  }

  async #follow(session: AbortSignal, signal: AbortSignal): Promise<void> {
    const { topic, reader, positions, unreadable, store, clock, log, onAnew } = this.#options;
    const asked = this.#asked;
    const either = AbortSignal.any([session, signal]);
    const handlers: Parameters<LogReader['follow']>[1] = {
      opened: (topicId, from) => {
        const isAnew = positions.opened(topicId, from);
        if (isAnew) this.#partitions.clear();
        this.#reached(from);
        if (!isAnew) return;
        log.warn(`topic ${topic} was made anew; it is read from its beginning`);
        onAnew?.();
      },
      take: (records: readonly LogRecord[]) => this.#take(records, either),
      unreadable: (records) => {
        unreadable(records);
        store.scheduleRead();
      },
      reached: (places) => this.#reached(places),
      ends: (places, agoMs) => this.#ends(places, clock.monotonicMs() - agoMs),
      interrupted: (why) => (this.#failure = why),
      caughtUp: () => {
        this.#failing.over();
        this.#answered = asked;
        this.#knowsAll = true;
        this.#waiters.look();
      },
    };
    await reader.follow(positions.places(), handlers, either);
  }

  #partition(partition: number) {
    const known = this.#partitions.get(partition) ?? { nextOffset: 0, heard: new Heard() };
    this.#partitions.set(partition, known);
    return known;
  }

  #reached(places: readonly PartitionOffset[]): void {
    for (const { partition, offset } of places) {
      const known = this.#partition(partition);
      known.nextOffset = offset;
      known.heard.reached(offset);
    }
  }

  #ends(places: readonly PartitionOffset[], atMs: number): void {
    for (const { partition, offset } of places) {
      const { heard, nextOffset } = this.#partition(partition);
      heard.ends({ offset, atMs }, nextOffset);
    }
  }

  async #take(records: readonly LogRecord[], signal: AbortSignal): Promise<void> {
    const { take, store } = this.#options;
    take(records);
    for (const record of records) record.release?.();
    if (store.group.rows > 0) store.scheduleRead();
    this.#unstored += records.length;
    if (this.#unstored < unstoredRecordsMax && store.failure === undefined) return;
    await this.#stored(signal);
    this.#unstored = 0;
  }

  async #stored(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isStored = await this.#options.store.committed().then(
        () => true,
        // The writer tells why. It keeps what it has and tries again; more waits until it succeeds.
        () => false,
      );
      if (isStored) return;
    }
  }
}
