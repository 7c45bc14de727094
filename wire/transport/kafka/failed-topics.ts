/**
 * Which topics a failure to write is about, as brokers answered. The library's errors do not do: of a
 * topic that is not there they name another one, since it takes the place in the answer for that in
 * the request, and brokers put what is missing last.
 */
import type { metadataV12, Producer, produceV11 } from '@platformatic/kafka';
import type { Library } from './client.ts';
import { answerIn } from './errors.ts';

type Answer = Partial<metadataV12.MetadataResponse & produceV11.ProduceResponse>;

type Answered = (error: unknown, answer: unknown) => void;

interface Api {
  (...all: [...asked: unknown[], answered: Answered]): void;
  readonly version: number;
}

export class FailedTopics {
  readonly #failed = new Set<string>();

  /** What was heard before is of no account. */
  begin(): void {
    this.#failed.clear();
  }

  /** Hears what brokers answer to the client, and what was found amiss in it; nothing of it changes. */
  listenTo(library: typeof Library, client: Producer): void {
    const find = client[library.kGetApi].bind(client);
    client[library.kGetApi] = (name, callback) =>
      find(name, (error, api) => {
        if ((name !== 'Metadata' && name !== 'Produce') || error != null) {
          return callback(error, api as never);
        }
        callback(null, this.#heard(api as never) as never);
      });
    const look = client[library.kMetadata].bind(client);
    client[library.kMetadata] = (options, callback) =>
      look(options, (error, metadata) => {
        // Of a partition that cannot be written nobody is asked: `refuseMissingPartitions` finds it.
        if (error != null && 'topic' in error) this.#failed.add(String(error.topic));
        callback(error, metadata);
      });
  }

  /** @returns those of the topics that brokers refused; all of them where no broker said so, in order of their names */
  among(topics: Iterable<string>): string[] {
    const all = [...new Set(topics)].toSorted();
    const failed = all.filter((topic) => this.#failed.has(topic));
    return failed.length > 0 ? failed : all;
  }

  #heard(api: Api): Api {
    const ask = (...all: Parameters<Api>): void => {
      const answered = all.at(-1) as Answered;
      api(...all.slice(0, -1), (error: unknown, answer: unknown) => {
        this.#note((error == null ? answer : answerIn(error)) as Answer | undefined);
        answered(error, answer);
      });
    };
    return Object.assign(ask, { version: api.version });
  }

  #note({ topics = [], responses = [] }: Answer = {}): void {
    for (const { name, errorCode } of topics) {
      const topic = name ?? '';
      // What is there by now was not what failed.
      if (errorCode === 0) this.#failed.delete(topic);
      else this.#failed.add(topic);
    }
    for (const { name, partitionResponses } of responses) {
      if (partitionResponses.some(({ errorCode }) => errorCode !== 0)) this.#failed.add(name);
    }
  }
}
