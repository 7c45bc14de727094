/** Brokers that ask who is there, as windrow's programs meet them: what doctor says, and what run does. */
import { writeFileSync } from 'node:fs';
import {
  type AclEntry,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
} from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { eventually } from '../support/http.ts';
import { run, startAgent, type TempDir, tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { aclSettings, makeTls, saslOptions, type User } from './support/security.ts';

const alice: User = { name: 'alice', password: 'alice-secret' };
const bob: User = { name: 'bob', password: 'bob-secret' };

function allow(user: User, on: Pick<AclEntry, 'resourceType' | 'resourceName'>): AclEntry {
  return {
    ...on,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: `User:${user.name}`,
    host: '*',
    operation: AclOperationTypes.ALL,
    permissionType: AclPermissionTypes.ALLOW,
  };
}

const anyTopic = { resourceType: AclResourceTypes.TOPIC, resourceName: '*' };
const anyGroup = { resourceType: AclResourceTypes.GROUP, resourceName: '*' };

describe.skipIf(kafkaMissing)('brokers that ask who is there', () => {
  let cluster: KafkaCluster;
  let folder: TempDir;
  let ca: string;

  beforeAll(async () => {
    folder = tempDir();
    const { certificates, settings } = makeTls(folder.path);
    ca = certificates.ca;
    for (const { name, password } of [alice, bob]) {
      writeFileSync(`${folder.path}/${name}`, `${password}\n`);
    }
    cluster = await startCluster({
      ...saslOptions([alice, bob], settings),
      settings: { ...aclSettings, 'auto.create.topics.enable': false },
    });
    await grant(allow(alice, anyTopic), allow(alice, anyGroup));
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  function within() {
    return kafkaJs([`127.0.0.1:${cluster.nodes[0]?.ports.internal}`]);
  }

  async function grant(...acl: AclEntry[]): Promise<void> {
    await withAdmin(within(), (admin) => admin.createAcls({ acl }));
  }

  function environment(user: User, more: Record<string, string> = {}): Record<string, string> {
    return {
      WINDROW_TRANSPORT: 'kafka',
      WINDROW_BROKERS: cluster.brokers.join(','),
      WINDROW_KAFKA_TLS: 'true',
      WINDROW_KAFKA_TLS_CA_FILE: ca,
      WINDROW_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      WINDROW_KAFKA_SASL_USERNAME: user.name,
      WINDROW_KAFKA_SASL_PASSWORD_FILE: `${folder.path}/${user.name}`,
      WINDROW_DATA: `${folder.path}/data`,
      ...more,
    };
  }

  it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])(
    '%s: all is well for who may',
    async (mechanism) => {
      const env = environment(alice, { WINDROW_KAFKA_SASL_MECHANISM: mechanism });
      for (const program of ['agent', 'collector'] as const) {
        const { code, stdout } = await run(program, ['doctor'], { env });
        expect(stdout).toContain(`as alice by ${mechanism}`);
        expect(stdout).toContain('the certificate is trusted');
        expect(stdout).toContain('all that is needed is allowed');
        expect({ code, stdout }).toMatchObject({ code: 0 });
      }
    },
  );

  it('the password may be in the environment, and is shown nowhere', async () => {
    const { WINDROW_KAFKA_SASL_PASSWORD_FILE: _, ...others } = environment(alice);
    const env = { ...others, WINDROW_KAFKA_SASL_PASSWORD: alice.password };
    const doctor = await run('agent', ['doctor'], { env });
    expect(doctor.stdout).toContain('as alice by SCRAM-SHA-512');
    const show = await run('agent', ['config', 'show'], { env });
    const check = await run('agent', ['config', 'check'], { env });
    expect([show.code, check.code]).toEqual([0, 0]);
    for (const { stdout, stderr } of [doctor, show, check]) {
      expect(stdout + stderr).not.toContain(alice.password);
    }
    expect(check.stdout).not.toContain('warning');
  });

  it.each<[string, Record<string, string>, string]>([
    ['wrong password', { WINDROW_KAFKA_SASL_PASSWORD_FILE: 'BOBS' }, 'kafka.sasl.password_file'],
    ['unknown user', { WINDROW_KAFKA_SASL_USERNAME: 'nobody' }, 'kafka.sasl.username'],
    ['unknown CA', { WINDROW_KAFKA_TLS_CA_FILE: '' }, 'kafka.tls_ca_file'],
    ['no TLS', { WINDROW_KAFKA_TLS: 'false', WINDROW_KAFKA_TLS_CA_FILE: '' }, 'kafka.tls'],
    ['wrong host', { WINDROW_BROKERS: 'no-such-host.invalid:9092' }, 'brokers'],
    ['nobody there', { WINDROW_BROKERS: '127.0.0.1:1' }, 'brokers'],
  ])('doctor (%s): fails, and names what mends it', async (_, wrong, key) => {
    const more = Object.fromEntries(
      Object.entries(wrong).map(([name, value]) => [
        name,
        value === 'BOBS' ? `${folder.path}/bob` : value,
      ]),
    );
    const { code, stdout, stderr } = await run('agent', ['doctor'], {
      env: environment(alice, more),
    });
    expect(code).toBe(1);
    const advice = stdout.split('\n').filter((line) => line.includes('→'));
    expect(advice.join('\n')).toContain(key);
    expect(stderr).toBe('');
  });

  it('doctor: says which right on what is not there', async () => {
    await withAdmin(within(), (admin) =>
      admin.createTopics({ topics: [{ topic: 'windrow-samples', numPartitions: 2 }] }),
    );
    const agent = await run('agent', ['doctor'], { env: environment(bob) });
    expect(agent.code).toBe(1);
    expect(agent.stdout).toMatch(/not allowed: Write, Describe on topic windrow-samples/);
    const collector = await run('collector', ['doctor'], { env: environment(bob) });
    expect(collector.code).toBe(1);
    expect(collector.stdout).toContain('Read, Describe on topic windrow-samples');
    expect(collector.stdout).toContain('Read on group windrow');
  });

  it('run: without the right samples wait, it says so once, and goes on when it is given', async () => {
    const env = environment(bob, { WINDROW_DATA: `${folder.path}/bob-data` });
    await using agent = await startAgent({ to: 'http://127.0.0.1:9', env });
    await eventually(async () => expect(agent.log()).toContain('does not allow it'));
    expect(agent.log()).toContain('Describe on topic windrow-samples');
    await grant(allow(bob, anyTopic));
    await eventually(async () => expect(agent.log()).toContain('Kafka is back'), 60_000);
    expect(agent.log().split('samples wait')).toHaveLength(2);
    await eventually(async () => {
      const offsets = await withAdmin(within(), (admin) =>
        admin.fetchTopicOffsets('windrow-samples'),
      );
      expect(offsets.some(({ offset }) => Number(offset) > 0)).toBe(true);
    });
  });

  it('TLS to a listener without: says that, and which setting', async () => {
    await using plain = await startCluster();
    const env = { WINDROW_KAFKA_TLS: 'true', WINDROW_DATA: `${folder.path}/data` };
    const args = ['doctor', '--kafka', plain.brokers.join(',')];
    const { code, stdout } = await run('agent', args, { env });
    expect(code).toBe(1);
    expect(stdout).toContain('the broker speaks no TLS there');
    expect(stdout).toContain('kafka.tls');
  });
});
