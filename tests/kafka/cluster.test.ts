import type { ITopicMetadata } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import type { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { eventually } from '../support/http.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { makeTopics } from './support/topics.ts';

const clusterMsMax = 480_000;
/** A broker that was killed is missed, or has all again. */
const healMsMax = 90_000;
const topic = 'replicated';

async function metadataOf(brokers: readonly string[]): Promise<ITopicMetadata> {
  const { topics } = await withAdmin(kafkaJs(brokers), (admin) =>
    admin.fetchTopicMetadata({ topics: [topic] }),
  );
  const [first] = topics;
  if (first === undefined) throw new Error(`no ${topic}`);
  return first;
}

function othersThan(cluster: KafkaCluster, down: number): string[] {
  return cluster.brokers.filter((_, index) => index !== down - 1);
}

describe.skipIf(kafkaMissing)('a cluster of three', () => {
  it(
    'replicates; another leads when the leader is killed or stopped, and it comes back in sync on its data',
    async () => {
      await using cluster = await startCluster({ nodes: 3 });
      const kafka = kafkaJs(cluster.brokers);
      await makeTopics(kafka, { topic, numPartitions: 1, replicationFactor: 3 });
      const settings = await withAdmin(kafka, (admin) =>
        admin.describeConfigs({
          resources: [{ type: 2, name: topic, configNames: ['min.insync.replicas'] }],
          includeSynonyms: false,
        }),
      );
      expect(settings.resources[0]?.configEntries[0]?.configValue).toBe('2');

      // Sent again when a follower is missed just then, a record would be there twice.
      const producer = kafka.producer({ idempotent: true });
      await producer.connect();
      await producer.send({ topic, acks: -1, messages: [{ value: 'before' }] });
      for (const end of ['kill', 'stop'] as const) {
        const leader = (await metadataOf(cluster.brokers)).partitions[0]?.leader ?? 0;
        const node = cluster.nodes[leader - 1];
        await node?.[end]();
        expect(node?.pid).toBeUndefined();
        await eventually(async () => {
          const [partition] = (await metadataOf(othersThan(cluster, leader))).partitions;
          expect(partition?.leader).not.toBe(leader);
          expect(partition?.isr).toHaveLength(2);
        }, healMsMax);
        await producer.send({ topic, acks: -1, messages: [{ value: `without after ${end}` }] });
        await node?.start(AbortSignal.timeout(clusterMsMax));
        await eventually(async () => {
          expect((await metadataOf(cluster.brokers)).partitions[0]?.isr).toHaveLength(3);
        }, healMsMax);
      }
      await producer.disconnect();
      const offsets = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic));
      expect(offsets).toMatchObject([{ partition: 0, low: '0', high: '3' }]);
    },
    clusterMsMax,
  );
});
