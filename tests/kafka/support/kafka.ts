/** Apache Kafka for tests: the suite's one broker, clusters of a test's own, and an independent client. */
import { randomUUID } from 'node:crypto';
import {
  type Admin,
  type EachMessagePayload,
  Kafka,
  type KafkaConfig,
  type KafkaMessage,
  logLevel,
} from 'kafkajs';
import { inject } from 'vitest';
import { type ClusterOptions, KafkaCluster } from '../../../scripts/kafka/cluster.ts';
import { install } from '../../../scripts/kafka/install.ts';
import { allPorts, type PortRange } from '../../../scripts/kafka/ports.ts';
import { endAtLast } from '../../support/left-behind.ts';
import { missing } from '../../support/tools.ts';

/** For tests that start brokers of their own; never in CI. */
export const kafkaMissing = missing('java', 'mvn');

/** For tests that are content with the suite's broker, which may be one of `KAFKA_BROKERS`. */
export const suiteKafkaMissing = kafkaMissing && !process.env['KAFKA_BROKERS'];

/** Brokers that run for the whole suite: others' topics are there too, so give yours a name of its own. */
export function suiteBrokers(): readonly string[] {
  return inject('kafkaBrokers');
}

/** Workers of this suite at most: a port that one has drawn, and its broker has not taken yet, is not the other's. */
const workersMax = 8;

function portsOfWorker(): PortRange {
  const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % workersMax;
  const count = Math.floor(allPorts.count / workersMax);
  return { lowest: allPorts.lowest + worker * count, count };
}

/** A cluster of the test's own: `await using`. */
export async function startCluster(options: ClusterOptions = {}): Promise<KafkaCluster> {
  const never = new AbortController().signal;
  const ports = portsOfWorker();
  const cluster = await KafkaCluster.start(await install(never), { ports, ...options }, never);
  endAtLast(() => cluster[Symbol.asyncDispose]());
  return cluster;
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

/** All that is in the topic by now; of a compacted one what is left. */
export async function recordsIn(
  brokers: readonly string[],
  topic: string,
): Promise<KafkaMessage[]> {
  const kafka = kafkaJs(brokers);
  const offsets = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic));
  const left = new Map(
    offsets
      .filter(({ low, high }) => low !== high)
      .map(({ partition, high }) => [partition, Number(high)]),
  );
  const records: KafkaMessage[] = [];
  if (left.size === 0) return records;
  const consumer = kafka.consumer({ groupId: randomUUID() });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ partition, message }: EachMessagePayload): Promise<void> => {
        records.push(message);
        if (Number(message.offset) + 1 >= (left.get(partition) ?? 0)) left.delete(partition);
        if (left.size === 0) resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return records;
}
