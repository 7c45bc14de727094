/** Apache Kafka for tests: the suite's one broker, clusters of a test's own, and an independent client. */
import { type Admin, Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { inject } from 'vitest';
import { type ClusterOptions, KafkaCluster } from '../../../scripts/kafka/cluster.ts';
import { install } from '../../../scripts/kafka/install.ts';
import { missing } from '../../support/tools.ts';

/** For tests that start brokers of their own; never in CI. */
export const kafkaMissing = missing('java', 'mvn');

/** For tests that are content with the suite's broker, which may be one of `KAFKA_BROKERS`. */
export const suiteKafkaMissing = kafkaMissing && !process.env['KAFKA_BROKERS'];

/** Brokers that run for the whole suite: others' topics are there too, so give yours a name of its own. */
export function suiteBrokers(): readonly string[] {
  return inject('kafkaBrokers');
}

/** A cluster of the test's own: `await using`. */
export async function startCluster(options: ClusterOptions = {}): Promise<KafkaCluster> {
  const never = new AbortController().signal;
  return KafkaCluster.start(await install(never), options, never);
}

/** kafkajs, which shares no code with what windrow uses. */
export function kafkaJs(
  brokers: readonly string[],
  options: Omit<KafkaConfig, 'brokers'> = {},
): Kafka {
  const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 20 };
  return new Kafka({ logLevel: logLevel.NOTHING, retry, ...options, brokers: [...brokers] });
}

/** Runs `work` with a connected admin. */
export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
