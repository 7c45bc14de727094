/** Makes topics that are missing, and looks at those that are there. */
import { WindrowError } from '../../../runtime/errors.ts';
import { pause } from '../../../runtime/lifecycle.ts';
import type { Logger } from '../../../runtime/logging.ts';
import type { GroupOptions, LogAdmin, LogUse, TopicSpec } from '../log/port.ts';
import { kafkaChecks } from './checks.ts';
import { KafkaClient, type TopicMetadata } from './client.ts';
import type { KafkaSettings } from './connection.ts';
import { isMember } from './coordinator.ts';
import { createTopic, notMade, requestMsMax } from './create-topic.ts';
import { kafkaError } from './errors.ts';
import { unlessAborted } from '../../../runtime/unless-aborted.ts';

/** A topic that was made has leaders after this long, or something is wrong. */
const leadersMsMax = 10_000;
const leadersEveryMs = 100;

export class KafkaAdmin implements LogAdmin {
  readonly #settings: KafkaSettings;
  readonly #log: Logger;
  #client: Promise<KafkaClient> | undefined;

  /** @param log told of each topic that is made: how many replicas it gets is decided by the brokers of that moment */
  constructor(settings: KafkaSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  async ensure(topics: readonly TopicSpec[], signal: AbortSignal): Promise<void> {
    for (const topic of topics) {
      await unlessAborted(this.#ensureOne(topic, signal), signal, 'making topics');
    }
  }

  async partitions(
    topics: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (const topic of topics) {
      const there = await unlessAborted(this.#find(topic), signal, 'looking at topics');
      if (there !== undefined) found.set(topic, there.partitionsCount);
    }
    return found;
  }

  async hasMember(of: Pick<GroupOptions, 'group' | 'member'>, signal: AbortSignal) {
    try {
      const looking = this.#open().then((client) => isMember(client, of));
      return await unlessAborted(looking, signal, 'looking at the group');
    } catch (error) {
      const right = `Describe on group ${of.group}`;
      throw kafkaError(error, { what: `group ${of.group} cannot be looked up`, right });
    }
  }

  checks(use: LogUse, files: LogUse) {
    return kafkaChecks(this.#settings, use, files);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await (await client)?.close();
  }

  async #ensureOne(topic: TopicSpec, signal: AbortSignal): Promise<void> {
    if ((await this.#find(topic.name)) !== undefined) return;
    await this.#create(topic);
    const untilMs = performance.now() + leadersMsMax;
    while (!signal.aborted && performance.now() < untilMs) {
      const made = await this.#find(topic.name);
      if (made?.partitions.every(({ leader }) => leader >= 0) === true) return;
      await pause(leadersEveryMs, signal);
    }
    throw new WindrowError('unreachable', `topic ${topic.name} was made, but has no leaders yet`, {
      retryable: true,
      hint: 'Start the brokers that are down. If all are there, look at the topic with kafka-topics.sh --describe, and into their logs.',
    });
  }

  /** Undefined when it is not there. */
  async #find(topic: string): Promise<TopicMetadata | undefined> {
    try {
      const client = await this.#open();
      return (await client.metadata([topic])).topics.get(topic);
    } catch (error) {
      const right = `Describe on topic ${topic}`;
      throw kafkaError(error, { what: `topic ${topic} cannot be looked up`, right });
    }
  }

  async #create(topic: TopicSpec): Promise<void> {
    try {
      const made = await createTopic(await this.#open(), topic);
      if (made !== undefined) this.#log.info({ topic: topic.name, ...made }, 'topic made');
    } catch (error) {
      throw notMade(error, topic);
    }
  }

  #open(): Promise<KafkaClient> {
    return (this.#client ??= KafkaClient.open(this.#settings, { requestMsMax }));
  }
}
