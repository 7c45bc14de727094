/** Samples never wait behind what goes beside them: inventories, and copies for other consumers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AclEntry,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type KafkaMessage,
  ResourcePatternTypes,
} from 'kafkajs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SEED_A_TOPICS } from '../../wire/compat/seed-a-format.ts';
import { decodeHeader } from '../../wire/records/batch-decode.ts';
import { BATCH_HEADER, INVENTORY_TOPIC, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { eventually } from '../support/http.ts';
import { startAgent, tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { aclSettings, saslOptions, type User } from './support/security.ts';
import { makeTopics } from './support/topics.ts';

const waitMsMax = 60_000;
const samplesMin = 8;
const alice: User = { name: 'alice', password: 'alice-secret' };
const unwritable = [INVENTORY_TOPIC, 'topic-disk'];

describe.skipIf(kafkaMissing)('what goes beside samples', () => {
  it('a topic that cannot be written holds no samples up, and has all when it can', async () => {
    await using cluster = await startCluster({ ...saslOptions([alice]), settings: aclSettings });
    const internal = [`127.0.0.1:${cluster.nodes[0]?.ports.internal}`];
    const denied = unwritable.map((topic) => aclOf(topic, 'DENY', 'WRITE'));
    await withAdmin(kafkaJs(internal), (admin) =>
      admin.createAcls({ acl: [aclOf('*', 'ALLOW', 'ALL'), ...denied] }),
    );
    const heard = await listen(internal);
    using data = tempDir();
    const passwordFile = join(data.path, 'password');
    writeFileSync(passwordFile, alice.password);
    const brokers = cluster.brokers.join(',');
    await using agent = await startAgent({
      to: 'http://127.0.0.1:9',
      args: ['--kafka', brokers, '--server-id', 'pc', '--data', data.path],
      env: {
        WINDROW_COMPAT: 'seed-a',
        WINDROW_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
        WINDROW_KAFKA_SASL_USERNAME: alice.name,
        WINDROW_KAFKA_SASL_PASSWORD_FILE: passwordFile,
      },
    });
    await eventually(async () => {
      expect(seqsOf(heard(SAMPLES_TOPIC)).length, agent.log()).toBeGreaterThanOrEqual(samplesMin);
      expect(heard('topic-cpu').length).toBeGreaterThanOrEqual(samplesMin);
    }, waitMsMax);
    // The inventory may take its time. Until then nothing of it has been tried.
    await eventually(async () => {
      for (const topic of unwritable) expect(agent.log()).toContain(`${topic} cannot be written`);
    }, waitMsMax);
    const failedMs = Date.now();
    // Nothing of it waits: windows become final as ever.
    await eventually(async () => {
      const last = heard(SAMPLES_TOPIC).at(-1);
      const header = decodeHeader(String(last?.headers?.[BATCH_HEADER]));
      expect(header.pending_from_ms ?? header.sent_at).toBeGreaterThan(failedMs);
    }, waitMsMax);
    expect(unwritable.map((topic) => heard(topic).length)).toEqual([0, 0]);

    await withAdmin(kafkaJs(internal), (admin) => admin.deleteAcls({ filters: denied }));
    await eventually(async () => {
      expect(heard(INVENTORY_TOPIC)).toHaveLength(1);
      expect(heard('topic-disk').length).toBeGreaterThanOrEqual(samplesMin);
    }, waitMsMax);
    expect(await agent.stop()).toBe(0);
    await eventually(async () => {
      const seqs = seqsOf(heard(SAMPLES_TOPIC));
      // Each once, and in order.
      expect(seqs).toEqual(seqs.map((_, index) => index));
      expect(heard('topic-disk').length).toBe(seqs.length);
      expect(heard('topic-cpu').length).toBe(seqs.length);
    }, waitMsMax);
  }, 360_000);
});

function aclOf(
  resourceName: string,
  permission: keyof typeof AclPermissionTypes,
  operation: keyof typeof AclOperationTypes,
): AclEntry {
  return {
    resourceType: AclResourceTypes.TOPIC,
    resourceName,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: `User:${alice.name}`,
    host: '*',
    operation: AclOperationTypes[operation],
    permissionType: AclPermissionTypes[permission],
  };
}

/** @returns by topic all that is and comes there, read by kafkajs */
async function listen(brokers: readonly string[]) {
  const heard = new Map<string, KafkaMessage[]>();
  const topics = [SAMPLES_TOPIC, INVENTORY_TOPIC, ...SEED_A_TOPICS];
  await makeTopics(kafkaJs(brokers), ...topics.map((topic) => ({ topic, numPartitions: 6 })));
  const consumer = kafkaJs(brokers).consumer({ groupId: 'listener' });
  await consumer.connect();
  onTestFinished(() => consumer.disconnect());
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, message }) => {
      heard.set(topic, [...(heard.get(topic) ?? []), message]);
    },
  });
  return (topic: string): readonly KafkaMessage[] => heard.get(topic) ?? [];
}

function seqsOf(messages: readonly KafkaMessage[]): number[] {
  return messages.flatMap(({ value }) => {
    const { seq } = JSON.parse(String(value)) as { seq?: unknown };
    return typeof seq === 'number' ? [seq] : [];
  });
}
