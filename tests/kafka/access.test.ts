/** Brokers that ask who is there, as windrow's programs meet them: what doctor says, and what run does. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type AclEntry, AclOperationTypes, AclResourceTypes, type Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { recordsWaiting } from '../chaos/queue-file.ts';
import { receivedFile } from '../support/blocks.ts';
import { eventually as within, metric } from '../support/http.ts';
import {
  run,
  startAgent,
  startCollector,
  startVerb,
  type TempDir,
  tempDir,
} from '../support/programs.ts';
import { allow, anyGroup, anyTopic, grant as grantAt, theCluster } from './support/acls.ts';
import { MiB } from './support/files.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { untilReady } from './support/ready.ts';
import { aclSettings, makeTls, saslOptions, setPassword, type User } from './support/security.ts';
import { makeTopics } from './support/topics.ts';

const alice: User = { name: 'alice', password: 'alice-secret' };
const bob: User = { name: 'bob', password: 'bob-secret' };
/** May write, and make no topic. */
const dave: User = { name: 'dave', password: 'dave-secret' };
/** May use all that a collector does but one topic. */
const erin: User = { name: 'erin', password: 'erin-secret' };

/** Where an agent on brokers does not send to. */
const nowhere = 'http://127.0.0.1:9';
/** Two of an agent's longest pauses between tries. */
const waitMsMax = 90_000;

function eventually<T>(probe: () => Promise<T>): Promise<T> {
  return within(probe, waitMsMax);
}

describe.skipIf(kafkaMissing)('brokers that ask who is there', { timeout: 5 * waitMsMax }, () => {
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

  function internal(): string {
    return `127.0.0.1:${cluster.nodes[0]?.ports.internal}`;
  }

  /** As one who may do everything. */
  function asAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    return withAdmin(kafkaJs([internal()]), work);
  }

  function grant(...acl: AclEntry[]): Promise<void> {
    return grantAt(internal(), acl);
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
    for (const program of ['agent', 'collector'] as const) {
      const { code, stdout, stderr } = await run(program, ['doctor'], {
        env: environment(alice, more),
      });
      expect(code).toBe(1);
      const lines = stdout.split('\n');
      expect(lines.filter((line) => line.startsWith('FAIL'))).toHaveLength(1);
      const failed = lines.findIndex((line) => line.startsWith('FAIL'));
      expect(lines[failed + 1]).toMatch(/^ +→ /);
      expect(lines[failed + 1]).toContain(key);
      expect(stderr).toBe('');
    }
  });

  it.each([
    ['agent', ['generate', 'numbers', '--count', '1', '--to']],
    ['agent', ['replay', 'tests/data/server_metrics.csv', '--to']],
    ['agent', ['receive', '--from']],
    ['collector', ['total', '--from']],
    ['collector', ['monitor', '--from']],
  ] as const)('%s %j: what is in the way is one clear error', async (program, args) => {
    const wrong = { WINDROW_KAFKA_SASL_PASSWORD_FILE: `${folder.path}/bob` };
    const cases = [
      [environment(alice, wrong), 'kafka.sasl.password_file'],
      [environment(alice, { WINDROW_KAFKA_TLS_CA_FILE: '' }), 'kafka.tls_ca_file'],
      [environment(bob), 'Describe on topic'],
      [environment(alice), ` in ${args.at(-1)} (brokers)`, ['127.0.0.1:1']],
    ] as const;
    for (const [env, key, brokers = cluster.brokers] of cases) {
      const verb = [...args, `kafka://${brokers.join(',')}`];
      const { code, stdout, stderr } = await run(program, verb, { env });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^windrow-\w+: topic \S+ .+\n {2}\S.*\n$/);
      expect(stderr).toContain(key);
    }
  });

  it('doctor: says which right on what is not there', async () => {
    await makeTopics(kafkaJs([internal()]), { topic: 'windrow-samples', numPartitions: 2 });
    const agent = await run('agent', ['doctor'], { env: environment(bob) });
    expect(agent.code).toBe(1);
    const told = /Write, Describe on topic windrow-samples \(and Create .*principal User:bob\)/s;
    expect(agent.stdout).toMatch(told);
    const collector = await run('collector', ['doctor'], { env: environment(bob) });
    expect(collector.code).toBe(1);
    expect(collector.stdout).toContain('Read, Describe on topic windrow-samples');
    expect(collector.stdout).toContain('Read on group windrow');
  });

  it('doctor: topics that are missing and may not be made fail, and none is made to find that out', async () => {
    writeFileSync(`${folder.path}/dave`, dave.password);
    await setPassword(internal(), dave);
    for (const operation of [AclOperationTypes.DESCRIBE, AclOperationTypes.WRITE]) {
      await grant({ ...allow(dave, anyTopic), operation });
    }
    const topics = () => asAdmin((admin) => admin.listTopics());
    const before = await topics();
    const env = environment(dave);
    const may = await run('agent', ['doctor'], { env });
    expect(may.stdout).toMatch(
      /FAIL {2}rights {4}not allowed: .*Create on topic windrow-inventory/,
    );
    expect(may.stdout).toMatch(/WARN {2}files .*Create on topic data-blocks.*for files .* alone/);
    expect(may.code).toBe(1);
    const operation = AclOperationTypes.CREATE;
    await grant({ ...allow(dave, theCluster), operation });
    const after = await run('agent', ['doctor'], { env });
    expect(after.stdout).toMatch(/is allowed so far; other rights on .*windrow-inventory can be/);
    expect(after.stdout).toMatch(/OK {4}files {5}no topics yet/);
    expect(after.code).toBe(0);
    expect(await topics()).toEqual(before);
  });

  it('doctor: rights that files alone need are a warning', async () => {
    const topics = ['data-blocks', 'block-acknowledgments'].map((topic) => ({ topic }));
    await makeTopics(kafkaJs([internal()]), ...topics);
    const may = await run('agent', ['doctor'], { env: environment(alice) });
    expect(may.stdout).toMatch(/OK {4}files {5}2 there/);
    const { stdout } = await run('agent', ['doctor'], { env: environment(bob) });
    expect(stdout).toMatch(
      /WARN {2}files {5}not allowed: Read, Write, Describe on topic data-blocks/,
    );
    expect(stdout).toMatch(
      /Read on group distributed-processors \(for files through Kafka alone\)/,
    );
  });

  it('files go through with TLS and login; what is in the way is one clear error', async () => {
    const bytes = randomBytes(1.5 * MiB);
    const path = `${folder.path}/file.bin`;
    writeFileSync(path, bytes);
    const out = `${folder.path}/received`;
    const sending = ['send', path, '--block-size', '1MiB'];
    const receiving = ['receive', '--out', out, '--max-blocks', '2'];
    const [sent, received] = await Promise.all([
      run('agent', sending, { env: environment(alice) }),
      run('agent', receiving, { env: environment(alice) }),
    ]);
    expect([sent.code, received.code], sent.stderr + received.stderr).toEqual([0, 0]);
    expect(receivedFile(out, 'file_bin').equals(bytes)).toBe(true);
    // Under another folder nothing is known of what was sent.
    const anew = { WINDROW_DATA: `${folder.path}/other-data` };
    const othersPassword = { WINDROW_KAFKA_SASL_PASSWORD_FILE: `${folder.path}/bob` };
    for (const [env, reason] of [
      [environment(bob, anew), /Describe on topic data-blocks/],
      [environment(alice, { ...anew, ...othersPassword }), /kafka.sasl.password_file/],
    ] as const) {
      for (const verb of [sending, receiving]) {
        const { code, stderr } = await run('agent', verb, { env });
        expect(stderr).toMatch(reason);
        expect(code).toBe(1);
      }
    }
    const noCa = { env: environment(alice, { ...anew, WINDROW_KAFKA_TLS_CA_FILE: '' }) };
    expect((await run('agent', receiving, noCa)).stderr).toContain('kafka.tls_ca_file');
    // It may be put right: a sender waits for that, and says so.
    await using sender = startVerb(sending, noCa);
    await eventually(async () => expect(sender.output()).toContain('kafka.tls_ca_file'));
    expect(await sender.stop()).toBe(1);
  });

  it('doctor: the clock is told to who may look at the cluster, and others are told what it takes', async () => {
    const before = await run('agent', ['doctor'], { env: environment(alice) });
    expect(before.stdout).toMatch(/WARN {2}clock {5}cannot be told: .+ does not allow it/);
    expect(before.stdout).toContain('allow Describe on the cluster to this user');
    const describing = { operation: AclOperationTypes.DESCRIBE };
    await grant({ ...allow(alice, theCluster), ...describing });
    const after = await run('agent', ['doctor'], { env: environment(alice) });
    expect(after.stdout).toMatch(/OK {4}clock {5}\d+ ms (behind|ahead of) the brokers/);
    expect([before.code, after.code]).toEqual([0, 0]);
  });

  it('run: without the right both programs say so once, samples wait, and it goes on when it is given', async () => {
    const env = environment(bob, { WINDROW_DATA: `${folder.path}/bob-data` });
    await using agent = await startAgent({ to: nowhere, env });
    await using collector = await startCollector({ env });
    for (const program of [agent, collector]) {
      await eventually(async () => expect(program.log()).toContain('does not allow it'));
    }
    expect(agent.log()).toContain('Describe on topic windrow-samples');
    expect(collector.log()).toContain('Describe on topic windrow-samples');
    await grant(allow(bob, anyTopic), allow(bob, anyGroup));
    await eventually(async () => expect(agent.log()).toContain('Kafka is back'));
    await untilReady(collector);
    expect(agent.log().split('samples wait')).toHaveLength(2);
    expect(collector.log().split('does not allow it')).toHaveLength(2);
    await eventually(async () => {
      const offsets = await asAdmin((admin) => admin.fetchTopicOffsets('windrow-samples'));
      expect(offsets.some(({ offset }) => Number(offset) > 0)).toBe(true);
    });
  });

  it('run: a collector without the rights on one topic of SEEDS A is not ready, and names topic and right', async () => {
    writeFileSync(`${folder.path}/${erin.name}`, erin.password);
    await setPassword(internal(), erin);
    const disk = { resourceType: AclResourceTypes.TOPIC, resourceName: 'topic-disk' };
    const others = ['windrow-samples', 'windrow-inventory', 'topic-cpu', 'topic-mem', 'topic-net'];
    for (const resourceName of [...others, 'system_metrics', 'window-results', 'alerts']) {
      await grant(allow(erin, { ...disk, resourceName }));
    }
    await grant(allow(erin, anyGroup));
    await using _ = await startAgent({ to: nowhere, env: environment(alice) });
    const env = environment(erin, { WINDROW_KAFKA_GROUP: 'erin' });
    await using collector = await startCollector({ env });
    const readiness = async () => (await fetch(`${collector.url}/readyz`)).json();
    const received = () => metric(collector.url, 'windrow_samples_received_total');
    const lookedUp = 'topic topic-disk cannot be looked up: the broker does not allow it';
    await eventually(async () => {
      expect(await readiness()).toEqual({ status: 'not ready', error: lookedUp });
    });
    expect(collector.log()).toContain(`"error":"${lookedUp}"`);
    expect(collector.log()).toContain('Allow Describe on topic topic-disk to this user');
    const offsets = () => asAdmin((admin) => admin.fetchTopicOffsets('windrow-samples'));
    await eventually(async () => {
      expect((await offsets()).some(({ offset }) => Number(offset) > 0)).toBe(true);
    });
    expect(await received()).toBe(0);

    // It may know of it now, and not read it.
    await makeTopics(kafkaJs([internal()]), { topic: 'topic-disk', numPartitions: 6 });
    await grant({ ...allow(erin, disk), operation: AclOperationTypes.DESCRIBE });
    const read = 'group erin cannot read: the broker does not allow topic topic-disk';
    await eventually(async () => {
      expect(await readiness()).toEqual({ status: 'not ready', error: read });
      expect(await received()).toBeGreaterThan(0);
    });
    expect(collector.log()).toContain('Allow Read on topic topic-disk to this user');
    await grant(allow(erin, disk));
    await untilReady(collector);
    expect(collector.log().split(read)).toHaveLength(2);
  });

  it('run: with a wrong password both programs stay, say so once, and go on when it is right', async () => {
    using data = tempDir();
    const carol: User = { name: 'carol', password: 'what-she-has' };
    writeFileSync(`${folder.path}/carol`, carol.password);
    const env = environment(carol, { WINDROW_DATA: data.path });
    await using agent = await startAgent({ to: nowhere, args: ['--data', data.path], env });
    await using collector = await startCollector({ dataDir: data.path, env });
    for (const program of [agent, collector]) {
      await eventually(async () => expect(program.log()).toContain('kafka.sasl.password_file'));
    }
    expect((await fetch(`${collector.url}/readyz`)).status).toBe(503);
    await grant(allow(carol, anyTopic), allow(carol, anyGroup));
    await setPassword(internal(), carol);
    await eventually(async () => {
      expect(await metric(collector.url, 'windrow_samples_received_total')).toBeGreaterThan(3);
    });
    expect(await metric(collector.url, 'windrow_samples_lost_total')).toBe(0);
    for (const program of [agent, collector]) {
      expect(program.log().split('kafka.sasl.password_file')).toHaveLength(2);
      expect(program.log()).not.toContain(carol.password);
    }
  });

  it('run: without the right CA both programs stay and say so once; samples wait for it', async () => {
    using data = tempDir();
    const right = environment(alice, { WINDROW_DATA: data.path });
    const wrong = { ...right, WINDROW_KAFKA_TLS_CA_FILE: '' };
    const args = ['--data', data.path, '--interval', '1s'];
    {
      await using agent = await startAgent({ to: nowhere, args, env: wrong });
      await using collector = await startCollector({ dataDir: data.path, env: wrong });
      for (const program of [agent, collector]) {
        await eventually(async () => expect(program.log()).toContain('kafka.tls_ca_file'));
      }
      // Meanwhile they try again.
      await eventually(async () => expect(recordsWaiting(data.path)).toBeGreaterThan(4));
      for (const program of [agent, collector]) {
        expect(program.log().split('kafka.tls_ca_file')).toHaveLength(2);
        expect(program.endedByItself()).toBeUndefined();
      }
    }
    await using _ = await startAgent({ to: nowhere, args, env: right });
    await using collector = await startCollector({ dataDir: data.path, env: right });
    await eventually(async () => {
      expect(await metric(collector.url, 'windrow_samples_received_total')).toBeGreaterThan(4);
      expect(recordsWaiting(data.path)).toBeLessThan(3);
    });
    expect(await metric(collector.url, 'windrow_samples_lost_total')).toBe(0);
  });

  it('a listener that asks for a certificate of its clients: doctor says so, and what else there is', async () => {
    using its = tempDir();
    const { certificates, settings } = makeTls(its.path);
    const trusted = { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': certificates.ca };
    const mutual = { ...settings, ...trusted, 'ssl.client.auth': 'required' };
    await using asking = await startCluster({ listener: { protocol: 'SSL', settings: mutual } });
    const args = ['doctor', '--kafka', asking.brokers.join(',')];
    const tls = { WINDROW_KAFKA_TLS: 'true', WINDROW_KAFKA_TLS_CA_FILE: certificates.ca };
    const { code, stdout } = await run('agent', args, { env: { ...tls, WINDROW_DATA: its.path } });
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^FAIL {2}handshake .*the broker asks its clients for a certificate, and windrow sends none\n +→ .*ssl\.client\.auth/m,
    );
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
