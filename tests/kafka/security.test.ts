import { readFileSync } from 'node:fs';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
} from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { aclSettings, makeTls, saslOptions, type User } from './support/security.ts';

const alice: User = { name: 'alice', password: 'alice-secret' };
const retry = { retries: 0 };

describe.skipIf(kafkaMissing)('brokers that ask who is there', () => {
  it('SASL_SSL with ACLs: the right user and CA get in, to what they may use', async () => {
    using folder = tempDir();
    const { certificates, settings } = makeTls(folder.path);
    await using cluster = await startCluster({
      ...saslOptions([alice], settings),
      settings: { ...aclSettings, 'auto.create.topics.enable': false },
    });
    const ssl = { ca: [readFileSync(certificates.ca, 'utf8')] };
    const as = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', password: string) =>
      kafkaJs(cluster.brokers, {
        retry,
        ssl,
        sasl: { mechanism, username: alice.name, password } as never,
      });
    const within = kafkaJs([`127.0.0.1:${cluster.nodes[0]?.ports.internal}`]);
    await withAdmin(within, async (admin) => {
      await admin.createTopics({ topics: [{ topic: 'hers' }, { topic: 'not-hers' }] });
      await admin.createAcls({
        acl: [
          {
            resourceType: AclResourceTypes.TOPIC,
            resourceName: 'hers',
            resourcePatternType: ResourcePatternTypes.LITERAL,
            principal: 'User:alice',
            host: '*',
            operation: AclOperationTypes.ALL,
            permissionType: AclPermissionTypes.ALLOW,
          },
        ],
      });
    });

    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
      const topics = await withAdmin(as(mechanism, alice.password), (admin) => admin.listTopics());
      expect(topics, mechanism).toEqual(['hers']);
      const wrong = withAdmin(as(mechanism, 'wrong'), (admin) => admin.listTopics());
      await expect(wrong, mechanism).rejects.toThrow(/authentication/i);
    }
    const producer = as('plain', alice.password).producer({ retry });
    await producer.connect();
    await producer.send({ topic: 'hers', messages: [{ value: 'yes' }] });
    const refused = producer.send({ topic: 'not-hers', messages: [{ value: 'no' }] });
    await expect(refused).rejects.toThrow(/not authorized/i);
    await producer.disconnect();

    const stranger = kafkaJs(cluster.brokers, { retry, ssl: true });
    await expect(withAdmin(stranger, (admin) => admin.listTopics())).rejects.toThrow(
      /certificate/i,
    );
  }, 120_000);

  it('SASL without TLS: nobody gets in without a name', async () => {
    await using cluster = await startCluster(saslOptions([alice]));
    const sasl = { mechanism: 'plain', username: alice.name, password: alice.password } as const;
    const known = kafkaJs(cluster.brokers, { retry, sasl });
    expect(await withAdmin(known, (admin) => admin.listTopics())).toEqual([]);
    const unknown = kafkaJs(cluster.brokers, { retry, requestTimeout: 2_000 });
    await expect(withAdmin(unknown, (admin) => admin.listTopics())).rejects.toThrow();
  }, 120_000);
});
