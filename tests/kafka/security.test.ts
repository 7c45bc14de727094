import { readFileSync } from 'node:fs';
import { AclResourceTypes } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../support/programs.ts';
import { allow, grant } from './support/acls.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { aclSettings, makeTls, saslOptions, type User } from './support/security.ts';
import { makeTopics } from './support/topics.ts';

const alice: User = { name: 'alice', password: 'alice-secret' };
/** A broker that has just begun takes its time for its first TLS. */
const oneTry = { retry: { retries: 0 }, connectionTimeout: 30_000 };

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
        ...oneTry,
        ssl,
        sasl: { mechanism, username: alice.name, password } as never,
      });
    const within = `127.0.0.1:${cluster.nodes[0]?.ports.internal}`;
    await makeTopics(kafkaJs([within]), { topic: 'hers' }, { topic: 'not-hers' });
    const hers = { resourceType: AclResourceTypes.TOPIC, resourceName: 'hers' };
    await grant(within, [allow(alice, hers)]);

    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
      const topics = await withAdmin(as(mechanism, alice.password), (admin) => admin.listTopics());
      expect(topics, mechanism).toEqual(['hers']);
      const wrong = withAdmin(as(mechanism, 'wrong'), (admin) => admin.listTopics());
      await expect(wrong, mechanism).rejects.toThrow(/authentication/i);
    }
    const producer = as('plain', alice.password).producer({ retry: oneTry.retry });
    await producer.connect();
    await producer.send({ topic: 'hers', messages: [{ value: 'yes' }] });
    const refused = producer.send({ topic: 'not-hers', messages: [{ value: 'no' }] });
    await expect(refused).rejects.toThrow(/not authorized/i);
    await producer.disconnect();

    const stranger = kafkaJs(cluster.brokers, { ...oneTry, ssl: true });
    await expect(withAdmin(stranger, (admin) => admin.listTopics())).rejects.toThrow(
      /certificate/i,
    );
  }, 240_000);

  it('SASL without TLS: nobody gets in without a name', async () => {
    await using cluster = await startCluster(saslOptions([alice]));
    const sasl = { mechanism: 'plain', username: alice.name, password: alice.password } as const;
    const known = kafkaJs(cluster.brokers, { ...oneTry, sasl });
    expect(await withAdmin(known, (admin) => admin.listTopics())).toEqual([]);
    const unknown = kafkaJs(cluster.brokers, { ...oneTry, requestTimeout: 2_000 });
    await expect(withAdmin(unknown, (admin) => admin.listTopics())).rejects.toThrow();
  }, 240_000);
});
