/** Reads all partitions of a topic, in no group: whoever follows remembers for itself how far it is. */
import type { Logger } from '../../../runtime/logging.ts';
import type { LogReader, LogRecord, PartitionOffset } from '../log/port.ts';
import { KafkaClient } from './client.ts';
import type { KafkaSettings } from './connection.ts';
import { warnOfGap } from './consumer.ts';
import { kafkaError } from './errors.ts';
import { fetchAll, fetchWaitMs } from './fetching.ts';
import { offsetsOf, placeKey } from './offsets.ts';
import { Trouble } from './trouble.ts';

const requestMsMax = fetchWaitMs + 15_000;
/** After so long it looks for new partitions. */
const roundMs = 60_000;

type Handlers = Parameters<LogReader['follow']>[1];

/** What the handlers threw: never to be tried again. */
class HandlerFailure extends Error {}

export class KafkaReader implements LogReader {
  readonly #settings: KafkaSettings;
  readonly #topic: string;
  readonly #log: Logger;

  constructor(settings: KafkaSettings, topic: string, log: Logger) {
    this.#settings = settings;
    this.#topic = topic;
    this.#log = log;
  }

  async follow(
    from: readonly PartitionOffset[],
    handlers: Handlers,
    signal: AbortSignal,
  ): Promise<void> {
    const client = await KafkaClient.open(this.#settings, { requestMsMax });
    const trouble = new Trouble(this.#log, `reading ${this.#topic} again`);
    const onAnswer = (): void => trouble.over();
    const of = { topic: this.#topic, log: this.#log, onAnswer };
    const following = new Following(client, of, handlers);
    following.begin(from);
    try {
      while (!signal.aborted) {
        try {
          await following.round(AbortSignal.any([signal, AbortSignal.timeout(roundMs)]));
        } catch (error) {
          if (error instanceof HandlerFailure) throw error.cause;
          const told = kafkaError(error, {
            what: `${this.#topic} cannot be read`,
            right: `Read and Describe on topic ${this.#topic}`,
          });
          await trouble.failed(told, signal);
        }
      }
    } finally {
      await client.close();
    }
  }
}

interface Followed {
  readonly topic: string;
  readonly log: Logger;
  readonly onAnswer: () => void;
}

class Following {
  readonly #client: KafkaClient;
  readonly #of: Followed;
  readonly #handlers: Handlers;
  readonly #positions = new Map<string, PartitionOffset>();
  /** Where the log ended at the beginning, until all before was taken. */
  #ends: ReadonlyMap<string, number> | undefined;
  #isCaughtUp = false;

  constructor(client: KafkaClient, of: Followed, handlers: Handlers) {
    this.#client = client;
    this.#of = of;
    this.#handlers = handlers;
  }

  begin(from: readonly PartitionOffset[]): void {
    for (const place of from) {
      if (place.topic === this.#of.topic) this.#positions.set(placeKey(place), place);
    }
  }

  async round(signal: AbortSignal): Promise<void> {
    const { topic, log, onAnswer } = this.#of;
    const { topics } = await this.#client.metadata([topic]);
    const count = topics.get(topic)?.partitionsCount ?? 0;
    const places = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
    const earliest = await offsetsOf(this.#client, places, 'earliest');
    for (const place of places) {
      const key = placeKey(place);
      if (this.#positions.has(key)) continue;
      this.#positions.set(key, { ...place, offset: earliest.get(key) ?? 0 });
    }
    this.#ends ??= await offsetsOf(this.#client, places, 'latest');
    this.#tellCaughtUp();
    const take = (records: readonly LogRecord[]): Promise<void> => this.#take(records);
    const options = { client: this.#client, positions: this.#positions, take };
    const reached = (): void => this.#tellCaughtUp();
    await fetchAll({ ...options, reached, onAnswer, onGap: warnOfGap(log) }, signal);
  }

  async #take(records: readonly LogRecord[]): Promise<void> {
    try {
      await this.#handlers.take(records);
    } catch (cause) {
      throw new HandlerFailure('', { cause });
    }
  }

  #tellCaughtUp(): void {
    if (this.#isCaughtUp || this.#ends === undefined) return;
    const behind = [...this.#ends].some(
      ([key, end]) => (this.#positions.get(key)?.offset ?? 0) < end,
    );
    if (behind) return;
    this.#isCaughtUp = true;
    this.#handlers.caughtUp();
  }
}
