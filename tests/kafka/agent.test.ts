import { type EachMessagePayload, Partitioners } from 'kafkajs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeHeader } from '../../wire/records/batch-decode.ts';
import { BATCH_HEADER, INVENTORY_TOPIC, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { sampleSchema } from '../../wire/records/sample.ts';
import { eventually } from '../support/http.ts';
import { startAgent, tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { startProxied } from './support/proxy.ts';

/** Two of the agent's longest pauses between tries: the first try after one may find a broker that has just begun. */
const backMsMax = 90_000;
const testMsMax = 7 * backMsMax;

type Heard = EachMessagePayload['message'] & Pick<EachMessagePayload, 'topic' | 'partition'>;

/** All that is and comes in the agent's topics, read by kafkajs. */
async function listen(brokers: readonly string[]): Promise<readonly Heard[]> {
  const heard: Heard[] = [];
  const consumer = kafkaJs(brokers).consumer({ groupId: 'listener' });
  await consumer.connect();
  onTestFinished(() => consumer.disconnect());
  await consumer.subscribe({ topics: [SAMPLES_TOPIC, INVENTORY_TOPIC], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, partition, message }) =>
      void heard.push({ ...message, topic, partition }),
  });
  return heard;
}

function valuesOf(heard: readonly Heard[], topic = SAMPLES_TOPIC): Record<string, unknown>[] {
  return heard
    .filter((message) => message.topic === topic)
    .map(({ value }) => JSON.parse(String(value)) as Record<string, unknown>);
}

function seqsOf(heard: readonly Heard[]): number[] {
  return valuesOf(heard).flatMap(({ seq }) => (typeof seq === 'number' ? [seq] : []));
}

describe.skipIf(kafkaMissing)('an agent on Kafka', { timeout: testMsMax }, () => {
  it('makes its topics; another client reads what it writes, where it looks for it', async () => {
    await using cluster = await startCluster({ settings: { 'auto.create.topics.enable': false } });
    using data = tempDir();
    const args = ['--kafka', cluster.brokers.join(','), '--server-id', 'Ärger-1'];
    const agent = await startAgent({
      to: 'http://127.0.0.1:9',
      args: [...args, '--data', data.path],
    });
    await using _ = agent;
    const { topics } = await eventually(
      () =>
        withAdmin(kafkaJs(cluster.brokers), (admin) =>
          admin.fetchTopicMetadata({ topics: [SAMPLES_TOPIC, INVENTORY_TOPIC] }),
        ),
      backMsMax,
    );
    expect(topics.map(({ partitions }) => partitions.length)).toEqual([6, 6]);
    const heard = await listen(cluster.brokers);
    await eventually(async () => {
      expect(seqsOf(heard).length).toBeGreaterThan(1);
      expect(valuesOf(heard, INVENTORY_TOPIC)).toHaveLength(1);
    }, backMsMax);
    expect(await agent.stop()).toBe(0);
    await eventually(async () => {
      expect(valuesOf(heard).at(-1)).toMatchObject({ kind: 'goodbye', server_id: 'Ärger-1' });
    }, backMsMax);
    const theirs = Partitioners.DefaultPartitioner();
    for (const { topic, partition, key, value, headers, timestamp } of heard) {
      expect(String(key)).toBe('Ärger-1');
      const partitionMetadata = topics.find(({ name }) => name === topic)?.partitions ?? [];
      expect(partition).toBe(theirs({ topic, partitionMetadata, message: { key, value } }));
      const header = decodeHeader(String(headers?.[BATCH_HEADER]));
      expect(header.server_id).toBe('Ärger-1');
      expect(Number(timestamp)).toBe(header.sent_at);
    }
    for (const value of valuesOf(heard)) if ('seq' in value) sampleSchema.parse(value);
    // What was on its way when the agent was stopped may be there twice.
    const seqs = [...new Set(seqsOf(heard))];
    expect(seqs).toEqual(seqs.map((_, index) => index));
  });

  it('starts before its broker and outlives it: every sample arrives, without a restart', async () => {
    await using net = await startProxied({ nodes: 1 });
    const { cluster, proxies } = net;
    for (const proxy of proxies) proxy.cut();
    await using agent = await startAgent({
      to: 'http://127.0.0.1:9',
      args: ['--kafka', cluster.brokers.join(',')],
    });
    const complaints = (): number => agent.log().split('; samples wait').length - 1;
    // Told when it lasts, and then at the next try.
    await eventually(async () => expect(complaints()).toBe(1), backMsMax);
    for (const proxy of proxies) proxy.heal();
    await eventually(async () => expect(agent.log()).toContain('Kafka is back'), backMsMax);
    const heard = await listen(cluster.brokers);
    await eventually(async () => expect(seqsOf(heard)).toContain(0), backMsMax);
    expect(complaints()).toBe(1);

    const [node] = cluster.nodes;
    await node?.kill();
    await eventually(async () => expect(complaints()).toBe(2), backMsMax);
    const before = Math.max(...seqsOf(heard));
    await node?.start(AbortSignal.timeout(backMsMax));
    await eventually(async () => {
      expect(Math.max(...seqsOf(heard))).toBeGreaterThan(before + 3);
      const all = new Set(seqsOf(heard));
      expect(all.size).toBe(Math.max(...all) + 1);
    }, backMsMax);
    expect(agent.endedByItself()).toBeUndefined();
  });
});
