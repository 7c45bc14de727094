/** Makes one of windrow's topics. */
import type { WindrowError } from '../../../runtime/errors.ts';
import type { TopicSpec } from '../log/port.ts';
import type { KafkaClient } from './client.ts';
import { hasReason, kafkaError } from './errors.ts';
import { inSyncWanted, replicasOf, replicasWanted } from './topics.ts';

/** Making topics, and looking at them. */
export const requestMsMax = 10_000;

/**
 * One that is there already is left as it is.
 * @param options `isTrial`: the brokers only say whether they would, and change nothing
 * @throws errors of the library
 */
export async function createTopic(
  client: Pick<KafkaClient, 'call' | 'metadata'>,
  { name, partitions: numPartitions, replicas, settings }: TopicSpec,
  { isTrial = false } = {},
): Promise<void> {
  const { brokers, controllerId } = await client.metadata([]);
  const replicationFactor = replicasOf(replicas, brokers.size);
  const inSync =
    replicationFactor >= replicasWanted ? { 'min.insync.replicas': `${inSyncWanted}` } : {};
  const configs = Object.entries({ ...inSync, ...settings }).map(([key, value]) => ({
    name: key,
    value,
  }));
  const topic = { name, numPartitions, replicationFactor, assignments: [], configs };
  try {
    await client.call('CreateTopics', controllerId, [topic], requestMsMax, isTrial);
  } catch (error) {
    // Another agent or collector was quicker.
    if (!hasReason(error, 'TOPIC_ALREADY_EXISTS')) throw error;
  }
}

/** Why, and what mends it. */
export function notMade(error: unknown, { name }: Pick<TopicSpec, 'name'>): WindrowError {
  const right = `Create on topic ${name} (or make the topic by hand)`;
  return kafkaError(error, { what: `topic ${name} is missing and cannot be made`, right });
}
