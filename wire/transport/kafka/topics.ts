/** How windrow's topics are made. One that is there already is used as it is. */
import type { TopicSpec } from '../log/port.ts';
import type { TopicTrouble } from './cleanup.ts';
import type { KafkaConfig } from './connection.ts';

/** Replicas where there are as many brokers, and how many of them must have a record. */
export const replicasWanted = 3;
export const inSyncWanted = 2;

/** Replicas of a topic that is made. @param set by a person */
export function replicasOf(set: number | undefined, brokerCount: number): number {
  return set ?? (brokerCount >= replicasWanted ? replicasWanted : 1);
}

const startOrLower = 'lower kafka.replication, or start the brokers that are down';
const raise =
  'kafka-reassign-partitions.sh gives it more, or delete it while it is empty: it is made anew';

/**
 * A topic that was made while fewer brokers were there keeps what it got then.
 * @param count of the partition that has fewest
 */
export function fewReplicas(
  { name: topic, replicas }: Pick<TopicSpec, 'name' | 'replicas'>,
  count: number,
  brokerCount: number,
): TopicTrouble | undefined {
  const wanted = replicasOf(replicas, brokerCount);
  if (count >= wanted) return undefined;
  return {
    topic,
    what: `replication is ${count}, not ${wanted} (kafka.replication)`,
    mend: brokerCount < wanted ? startOrLower : raise,
  };
}

/** @param settings as the broker names them: `{'cleanup.policy': 'compact'}` */
export function topicSpecs(
  config: Pick<KafkaConfig, 'kafka.partitions' | 'kafka.replication'>,
  names: readonly string[],
  settings: TopicSpec['settings'] = {},
): TopicSpec[] {
  const replicas = config['kafka.replication'];
  return names.map((name) => ({
    name,
    partitions: config['kafka.partitions'],
    replicas,
    settings,
  }));
}
