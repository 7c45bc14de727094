/** How windrow's topics are made. One that is there already is used as it is. */
import type { TopicSpec } from '../log/port.ts';
import type { KafkaConfig } from './connection.ts';

/** Replicas where there are as many brokers, and how many of them must have a record. */
export const replicasWanted = 3;
export const inSyncWanted = 2;

/** Replicas of a topic that is made. @param set by a person */
export function replicasOf(set: number | undefined, brokerCount: number): number {
  return set ?? (brokerCount >= replicasWanted ? replicasWanted : 1);
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
