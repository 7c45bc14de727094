/** Follows one topic, whole, from where the store has read it to, whatever happens to the brokers. */
import { type BackoffLimits, fullJitterMs } from '../../runtime/backoff.ts';
import { messageOf } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { LogReader, LogRecord, UnreadableRecords } from '../../wire/transport/log/port.ts';
import type { StoreWriter } from '../store/writer.ts';
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
  readonly log: Logger;
  readonly positions: TopicPositions;
  /** Another topic of that name was read before. */
  readonly onAnew?: () => void;
  /**
   * Takes records in, into the group that waits for the commit. Some may come twice: those that an
   * ended session still hands over.
   */
  readonly take: (records: readonly LogRecord[]) => void;
  /** What cannot be read, in its place among them; may come twice, too. */
  readonly unreadable: (records: UnreadableRecords) => void;
  readonly store: Pick<StoreWriter, 'scheduleRead' | 'committed' | 'failure'>;
}

export class TopicReader {
  readonly #options: TopicReaderOptions;
  readonly #waiters = new Waiters();
  #session: AbortController | undefined;
  /** Questions whether all has been read, and how many of them are answered. */
  #asked = 0;
  #answered = 0;
  /** Records since a commit was waited for. */
  #unstored = 0;

  constructor(options: TopicReaderOptions) {
    this.#options = options;
  }

  /** Resolves once all that was in the topic at the call has been read. @throws WindrowError `aborted` */
  caughtUp(signal: AbortSignal): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    // A reader is told its end once, when it begins: so it begins anew, where it is.
    this.#session?.abort();
    return this.#waiters.until(() => this.#answered >= asked, signal);
  }

  /** Until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const session = new AbortController();
      this.#session = session;
      try {
        await this.#follow(session.signal, signal);
        failures = 0;
      } catch (error) {
        const { log, what } = this.#options;
        if (failures === 0) log.warn(`${messageOf(error)}; ${what} of other collectors wait`);
        await pause(fullJitterMs(failures, backoff, Math.random), signal);
        failures += 1;
      }
    }
  }

  async #follow(session: AbortSignal, signal: AbortSignal): Promise<void> {
    const { topic, reader, positions, unreadable, store, log, onAnew } = this.#options;
    const asked = this.#asked;
    const either = AbortSignal.any([session, signal]);
    const handlers: Parameters<LogReader['follow']>[1] = {
      opened: (topicId, from) => {
        if (!positions.opened(topicId, from)) return;
        log.warn(`topic ${topic} was made anew; it is read from its beginning`);
        onAnew?.();
      },
      take: (records: readonly LogRecord[]) => this.#take(records, either),
      unreadable: (records) => {
        unreadable(records);
        store.scheduleRead();
      },
      caughtUp: () => {
        this.#answered = asked;
        this.#waiters.look();
      },
    };
    await reader.follow(positions.places(), handlers, either);
  }

  async #take(records: readonly LogRecord[], signal: AbortSignal): Promise<void> {
    const { take, store } = this.#options;
    take(records);
    store.scheduleRead();
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
