/** A collector's part of a fleet on Apache Kafka, by its configuration. */
import { kafkaSettings } from '../../wire/transport/kafka/connection.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { lookAtTopics } from '../../wire/transport/kafka/look-at-topics.ts';
import { collectorFolder } from '../store/database.ts';
import { clientId, type CollectorConfig } from '../config.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import { memberFile, memberName } from './member.ts';
import { tellTroubles } from './topic-troubles.ts';
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
  const { log } = parts;
  const samples = sampleTopics(config);
  const topics = [...samples, ...sharedTopics(config)];
  const settings = kafkaSettings(config, { clientId, env: process.env });
  const look = () => lookAtTopics(settings, topics);
  const folder = collectorFolder(config.data);
  return new Cluster({
    ...parts,
    source: createKafkaLog(settings, log),
    group: {
      group: config['kafka.group'],
      member: memberName(folder),
      topics: samples.map(({ name }) => name),
      ...GROUPING,
    },
    memberFile: memberFile(folder),
    topics,
    watchTopics: (signal) => tellTroubles({ look, log }, signal),
  });
}
