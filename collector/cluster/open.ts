/** A collector's part of a fleet on Apache Kafka, by its configuration. */
import { openKafkaLog } from '../../wire/transport/kafka/log.ts';
import { collectorFolder } from '../store/database.ts';
import type { CollectorConfig } from '../config.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import { memberFile, memberName } from './member.ts';
import { GROUPING, sampleTopics, sharedTopics } from './topics.ts';

/**
 * Undefined with `transport: direct`. Touches no network.
 * @throws WindrowError `config` naming the key that is missing, or whose file cannot be read
 */
export function openCluster(
  config: CollectorConfig,
  parts: Pick<ClusterOptions, 'db' | 'windows' | 'clock' | 'log'>,
): Cluster | undefined {
  if (config.transport !== 'kafka') return undefined;
  const samples = sampleTopics(config);
  const folder = collectorFolder(config.data);
  return new Cluster({
    ...parts,
    source: openKafkaLog(config, 'windrow-collector', parts.log),
    group: {
      group: config['kafka.group'],
      member: memberName(folder),
      topics: samples.map(({ name }) => name),
      ...GROUPING,
    },
    memberFile: memberFile(folder),
    topics: [...samples, ...sharedTopics(config)],
  });
}
