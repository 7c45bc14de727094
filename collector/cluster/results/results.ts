/** This collector's part in `window-results`: publishes what it makes, reads what all have made. */
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from '../../../runtime/logging.ts';
import { resultKeyText, WINDOW_RESULTS_TOPIC } from '../../../wire/records/window-result.ts';
import type { Log } from '../../../wire/transport/log/port.ts';
import type { Known } from '../../ingest/from-log.ts';
import type { Source } from '../../ingest/source.ts';
import type { StoreWriter } from '../../store/writer.ts';
import { Publisher, queueRecordsMax } from '../publisher.ts';
import { TopicReader } from '../topic-reader.ts';
import { ResultBook, type BookOptions } from './book.ts';
import { Composer } from './composer.ts';
import { OwnResults } from './own.ts';
import type { PublishedWindow, Results } from './port.ts';
import { restoreOwners } from './restore.ts';

/** Servers of which a new state is published in one tick; the others have their turn in the next. */
const changesMax = 500;

export interface ClusterResultsOptions extends Omit<BookOptions, 'group' | 'own'> {
  readonly topicLog: Pick<Log, 'producer' | 'reader'>;
  readonly db: DatabaseSync;
  readonly writer: StoreWriter;
  readonly log: Logger;
}

export class ClusterResults implements Results {
  readonly #options: ClusterResultsOptions;
  readonly #ended = new AbortController();
  readonly #book: ResultBook;
  readonly #composer: Composer;
  /** What else goes through it is in the log before the windows that are published after it. */
  readonly publisher: Publisher;
  readonly #reader: TopicReader;
  #reading: Promise<void> | undefined;
  /** The others are to be told of these once more. */
  #untold: Source[] = [];
  /** As `lacks`, and not told yet. */
  readonly #lacking = new Set<Source>();

  /** Restores what the store knows; the sources must be restored before. */
  constructor(options: ClusterResultsOptions) {
    const { topicLog, db, writer, self, registry, clock, log } = options;
    this.#options = options;
    const own = new OwnResults();
    this.#book = new ResultBook({ ...options, own, group: () => writer.group });
    this.#book.restore(db);
    restoreOwners(db, registry, clock.wallMs());
    this.#composer = new Composer({
      self,
      clock,
      newest: (source) => this.#book.newest(db, source),
      onMade: (text, result) => own.note(text, result),
    });
    const { signal } = this.#ended;
    this.publisher = new Publisher({
      producer: topicLog.producer(),
      synced: () => writer.synced(),
      what: 'windows',
      clock,
      log,
      signal,
    });
    this.#reader = new TopicReader({
      topic: WINDOW_RESULTS_TOPIC,
      what: 'windows',
      reader: topicLog.reader(WINDOW_RESULTS_TOPIC),
      clock,
      log,
      positions: this.#book.positions,
      take: (records) => this.#book.take(records),
      unreadable: (records) => this.#book.pass(records),
      // Who reads it from its beginning must find there how far windows are closed.
      onAnew: () => {
        this.#untold = [...registry.all()].filter(({ isOurs }) => isOurs);
      },
      store: writer,
    });
  }

  /** Begins to read; after the writer can be written to. */
  start(): void {
    this.#reading ??= this.#reader.run(this.#ended.signal);
  }

  /**
   * Once a second: stores what waits for long, and tells the others of servers of ours that are in
   * another state.
   * @param mayBeSilent for long enough whoever sent could be heard
   */
  tick(mayBeSilent: boolean): void {
    if (this.#book.isDue) {
      this.#book.store();
      this.#options.writer.schedule();
    }
    if (this.publisher.waiting >= queueRecordsMax) return;
    const changes = this.#composer.changes(this.#options.registry.all(), mayBeSilent);
    this.publisher.give(changes.take(changesMax));
    for (const source of this.#untold.splice(0, changesMax)) this.tell(source);
  }

  /** Tells the others what a source is now, also of one that nobody hears. */
  tell(source: Source): void {
    const record = this.#composer.standing(source);
    if (record !== undefined) this.publisher.give([record]);
  }

  /** Records that wait to be published. */
  get waiting(): number {
    return this.publisher.waiting;
  }

  /** What other collectors told until then has come here, monotonic; −∞ while nobody knows. */
  get heardThroughMs(): number {
    return this.#reader.heardThroughMs;
  }

  /** Why not all of the topic can be read; undefined while all is well. */
  get unread(): string | undefined {
    return this.#reader.failure;
  }

  known(serverId: string, replayId: string): Known | undefined {
    return this.#book.known({ serverId, replayId });
  }

  publish(windows: readonly PublishedWindow[]): void {
    this.publisher.give(windows.map((window) => this.#composer.window(window)));
  }

  lacks(source: Source): void {
    this.#lacking.add(source);
  }

  release(sources: readonly Source[]): void {
    const keys = new Set(sources.map((source) => resultKeyText(source)));
    const dropped = this.publisher.drop(
      ({ topic, key }) => topic === WINDOW_RESULTS_TOPIC && keys.has(key),
    );
    for (const source of sources) {
      this.#composer.forget(source);
      this.#lacking.delete(source);
    }
    // That a person took it off the lists nobody else would tell.
    const untold = new Set(dropped.map(({ key }) => key));
    for (const source of sources) {
      if (source.decommissioned && untold.has(resultKeyText(source))) this.tell(source);
    }
    this.#untold = this.#untold.filter(({ isOurs }) => isOurs);
  }

  /** Another collector has it by now, and nobody else makes what waits here of it. */
  moved(source: Source): void {
    this.#composer.forget(source);
    this.#lacking.delete(source);
  }

  room(signal: AbortSignal): Promise<void> {
    return this.publisher.room(signal);
  }

  published(signal: AbortSignal): Promise<void> {
    for (const source of this.#lacking) this.tell(source);
    this.#lacking.clear();
    return this.publisher.published(signal);
  }

  caughtUp(signal: AbortSignal): Promise<void> {
    return this.#reader.caughtUp(signal);
  }

  forget(source: Source, isOurs: boolean): void {
    this.#book.forget(source);
    if (!isOurs) return;
    const key = resultKeyText(source);
    this.publisher.give([{ topic: WINDOW_RESULTS_TOPIC, key, value: null }]);
  }

  /** What is not published then is made again by whoever goes on. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await Promise.all([this.#reading, this.publisher.close()]);
    this.#book.store();
  }
}
