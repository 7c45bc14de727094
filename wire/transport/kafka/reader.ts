/** Reads all partitions of a topic, in no group: whoever follows remembers for itself how far it is. */
import type { Logger } from '../../../runtime/logging.ts';
import type { WindrowError } from '../../../runtime/errors.ts';
import { unlessAborted } from '../../../runtime/unless-aborted.ts';
import type { LogReader, ReadPlace } from '../log/port.ts';
import { KafkaClient } from './client.ts';
import type { KafkaSettings } from './connection.ts';
import { kafkaError } from './errors.ts';
import { Following, HandlerFailure, type Handlers } from './following.ts';
import { Interruption } from './interruption.ts';
import { fetchWaitMs } from './leader-loop.ts';
import { offsetsOf, placeKey } from './offsets.ts';
import { Trouble } from './trouble.ts';
import { amiss } from './words.ts';

const requestMsMax = fetchWaitMs + 15_000;

export class KafkaReader implements LogReader {
  readonly #settings: KafkaSettings;
  readonly #topic: string;
  readonly #log: Logger;

  constructor(settings: KafkaSettings, topic: string, log: Logger) {
    this.#settings = settings;
    this.#topic = topic;
    this.#log = log;
  }

  async end(signal: AbortSignal): Promise<readonly ReadPlace[]> {
    const client = await KafkaClient.open(this.#settings, { requestMsMax });
    try {
      return await unlessAborted(this.#end(client), signal, 'looking for the end');
    } catch (error) {
      throw this.#told(error);
    } finally {
      await client.close();
    }
  }

  async follow(from: readonly ReadPlace[], handlers: Handlers, signal: AbortSignal): Promise<void> {
    const client = await KafkaClient.open(this.#settings, { requestMsMax });
    const trouble = new Trouble(this.#log, `reading ${this.#topic} again`);
    const interruption = new Interruption((why) => handlers.interrupted?.(why));
    const onTrouble = (error: unknown, until: AbortSignal): Promise<void> => {
      const told = this.#told(error);
      interruption.begin('fetching', told.message);
      return trouble.failed(told, until);
    };
    const onAnswer = (): void => {
      trouble.over();
      interruption.end('fetching');
    };
    const of = { topic: this.#topic, log: this.#log, onAnswer, onTrouble };
    const following = new Following(client, of, handlers);
    let places = from.filter(({ topic }) => topic === this.#topic);
    try {
      while (!signal.aborted) {
        try {
          await following.round(places, signal);
          places = [];
        } catch (error) {
          if (error instanceof HandlerFailure) throw error.cause;
          await onTrouble(error, signal);
        }
      }
    } finally {
      await client.close();
    }
  }
  async #end(client: KafkaClient): Promise<ReadPlace[]> {
    const topic = this.#topic;
    const { topics } = await client.metadata([topic]);
    const { id: topicId, partitionsCount: count } = topics.get(topic) ?? {};
    if (topicId === undefined) throw amiss.noTopic(topic);
    const places = Array.from({ length: count ?? 0 }, (_, partition) => ({ topic, partition }));
    const ends = await offsetsOf(client, places, 'latest');
    return places.flatMap((place) => {
      const offset = ends.get(placeKey(place));
      return offset === undefined ? [] : [{ ...place, topicId, offset }];
    });
  }

  #told(error: unknown): WindrowError {
    return kafkaError(error, {
      what: `${this.#topic} cannot be read`,
      right: `Read and Describe on topic ${this.#topic}`,
    });
  }
}
