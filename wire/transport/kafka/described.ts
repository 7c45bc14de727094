/** What brokers say of topics when they are asked by name. */
import type { describeConfigsV4, metadataV12 } from '@platformatic/kafka';
import type { KafkaClient } from './client.ts';
import { answerIn, kafkaError } from './errors.ts';

export type DescribedTopic = metadataV12.MetadataResponseTopic;
export type TopicSettings = ReadonlyMap<string, string>;

/** The protocol's numbers. */
const topicResource = 2;
const topicMissing = 3;

/**
 * With the rights that this user has on each. By name; those that are not there are left out, those
 * that may not be seen have an error code.
 */
export async function describedTopics(
  client: KafkaClient,
  names: readonly string[],
): Promise<Map<string, DescribedTopic>> {
  const [autoCreate, withRights] = [false, true];
  const { topics } = await client
    .call<metadataV12.MetadataResponse>('Metadata', 'any', names, autoCreate, withRights)
    .catch((error: unknown) => inAnswer(error) as metadataV12.MetadataResponse);
  return new Map(
    topics
      .filter(({ errorCode }) => errorCode !== topicMissing)
      .map((topic) => [topic.name ?? '', topic]),
  );
}

/** Of the partition that has fewest; brokers that are away have theirs still. */
export function replicaCount({ partitions }: Pick<DescribedTopic, 'partitions'>): number {
  return Math.min(...partitions.map(({ replicaNodes }) => replicaNodes.length));
}

/** These settings by topic; topics whose settings may not be seen are left out. */
export async function topicSettings(
  client: KafkaClient,
  topics: readonly string[],
  settings: readonly string[],
): Promise<ReadonlyMap<string, TopicSettings>> {
  if (topics.length === 0) return new Map();
  const resources = topics.map((resourceName) => ({
    resourceType: topicResource,
    resourceName,
    configurationKeys: settings,
  }));
  const [withSynonyms, withDocumentation] = [false, false];
  const { results } = await client
    .call<describeConfigsV4.DescribeConfigsResponse>(
      'DescribeConfigs',
      'any',
      resources,
      withSynonyms,
      withDocumentation,
    )
    .catch((error: unknown) => inAnswer(error) as describeConfigsV4.DescribeConfigsResponse);
  return new Map(
    results
      .filter(({ errorCode }) => errorCode === 0)
      .map(({ resourceName, configs }) => [
        resourceName,
        new Map(configs.map(({ name, value }) => [name, value ?? ''])),
      ]),
  );
}

/** An answer of which a part is an error. @throws WindrowError where there was none */
export function inAnswer(error: unknown): unknown {
  const answer = answerIn(error);
  if (answer === undefined) throw kafkaError(error, { what: 'no answer' });
  return answer;
}
