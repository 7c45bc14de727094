/** How windrow's topics are made. One that is there already is used as it is. */
import type { TopicSpec } from '../log/port.ts';
import type { KafkaConfig } from './connection.ts';

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
