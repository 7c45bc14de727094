/** Makes one of windrow's topics. */
import type { WindrowError } from '../../../runtime/errors.ts';
import type { TopicSpec } from '../log/port.ts';
import type { KafkaClient } from './client.ts';
import { hasReason, kafkaError } from './errors.ts';
import { inSyncWanted, replicasOf, replicasWanted } from './topics.ts';

/** Making topics, and looking at them. */
export const requestMsMax = 10_000;

/** A topic that was made, and the brokers that there were for it. */
export interface MadeTopic {
  readonly partitions: number;
  readonly replicas: number;
  readonly brokers: number;
}

/**
 * One that is there already is left as it is.
 * @param options `isTrial`: the brokers only say whether they would, and change nothing
 * @returns undefined where another agent or collector was quicker
 * @throws errors of the library
 */
export async function createTopic(
  client: Pick<KafkaClient, 'call' | 'metadata'>,
  { name, partitions, replicas: wanted, settings }: TopicSpec,
  { isTrial = false } = {},
): Promise<MadeTopic | undefined> {
  const { brokers, controllerId } = await client.metadata([]);
  const replicas = replicasOf(wanted, brokers.size);
  const inSync = replicas >= replicasWanted ? { 'min.insync.replicas': `${inSyncWanted}` } : {};
  const configs = Object.entries({ ...inSync, ...settings }).map(([key, value]) => ({
    name: key,
    value,
  }));
  const counts = { numPartitions: partitions, replicationFactor: replicas };
  const topic = { name, ...counts, assignments: [], configs };
  try {
    await client.call('CreateTopics', controllerId, [topic], requestMsMax, isTrial);
    return { partitions, replicas, brokers: brokers.size };
  } catch (error) {
    if (!hasReason(error, 'TOPIC_ALREADY_EXISTS')) throw error;
    return undefined;
  }
}

/** Why, and what mends it. */
export function notMade(error: unknown, { name }: Pick<TopicSpec, 'name'>): WindrowError {
  const right = `Create on topic ${name}`;
  return kafkaError(error, { what: `topic ${name} is missing and cannot be made`, right });
}
