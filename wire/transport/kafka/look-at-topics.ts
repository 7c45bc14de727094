/** Looks at topics for what may lose records: a program that runs tells it. `doctor` looks at more. */
import type { TopicSpec } from '../log/port.ts';
import { CLEANUP_SETTINGS, cleanupTrouble, type TopicTrouble } from './cleanup.ts';
import { KafkaClient } from './client.ts';
import type { KafkaSettings } from './connection.ts';
import { describedTopics, replicaCount, topicSettings } from './described.ts';
import { fewReplicas } from './topics.ts';

const requestMsMax = 5_000;

export interface TopicsFound {
  readonly troubles: readonly TopicTrouble[];
  /** Topics that are there, and whose settings may not be seen. */
  readonly unseen: readonly string[];
}

/** At topics that are there. @throws errors of the library, WindrowError */
export async function lookAtTopics(
  settings: KafkaSettings,
  topics: readonly TopicSpec[],
): Promise<TopicsFound> {
  const client = await KafkaClient.open(settings, { requestMsMax });
  try {
    const { brokers } = await client.metadata([]);
    const described = await describedTopics(
      client,
      topics.map(({ name }) => name),
    );
    const there = topics.flatMap((topic) => {
      const found = described.get(topic.name);
      return found?.errorCode === 0 ? [{ topic, found }] : [];
    });
    const names = there.map(({ topic: { name } }) => name);
    const seen = await topicSettings(client, names, CLEANUP_SETTINGS);
    return {
      troubles: there
        .flatMap(({ topic, found }) => [
          cleanupTrouble(topic, seen.get(topic.name)),
          fewReplicas(topic, replicaCount(found), brokers.size),
        ])
        .filter((trouble) => trouble !== undefined),
      unseen: names.filter((name) => !seen.has(name)),
    };
  } finally {
    await client.close();
  }
}
