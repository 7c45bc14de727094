/** Passwords and CAs that change while both programs run: what is in their files counts from the next try on. */
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { makeCertificates } from '../support/certificates.ts';
import { eventually as within, metric } from '../support/http.ts';
import {
  type Program,
  type RunningCollector,
  startAgent,
  startCollector,
  type TempDir,
  tempDir,
} from '../support/programs.ts';
import { kafkaMissing, startCluster } from './support/kafka.ts';
import { makeTls, saslOptions, setPassword, type User } from './support/security.ts';

const alice: User = { name: 'alice', password: 'alice-secret' };
/** The broker asks for the password again within this. */
const sessionMsMax = 2_500;
/** Where an agent on brokers does not send to. */
const nowhere = 'http://127.0.0.1:9';
/** Two of an agent's longest pauses between tries. */
const waitMsMax = 90_000;
const refused = 'the broker does not accept user name or password';

function eventually<T>(probe: () => Promise<T>): Promise<T> {
  return within(probe, waitMsMax);
}

interface Programs extends AsyncDisposable {
  readonly both: readonly Program[];
  readonly collector: RunningCollector;
}

describe.skipIf(kafkaMissing)('files that change', { timeout: 5 * waitMsMax }, () => {
  let cluster: KafkaCluster;
  let folder: TempDir;
  let ca: string;

  beforeAll(async () => {
    folder = tempDir();
    const { certificates, settings } = makeTls(folder.path);
    ca = certificates.ca;
    cluster = await startCluster({
      ...saslOptions([alice], settings),
      settings: { 'connections.max.reauth.ms': sessionMsMax },
    });
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** @param more settings beside those of alice, whose password is in this file */
  async function start(password: string, more: Record<string, string> = {}): Promise<Programs> {
    const data = tempDir();
    const env = {
      WINDROW_TRANSPORT: 'kafka',
      WINDROW_BROKERS: cluster.brokers.join(','),
      WINDROW_KAFKA_TLS: 'true',
      WINDROW_KAFKA_TLS_CA_FILE: ca,
      WINDROW_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      WINDROW_KAFKA_SASL_USERNAME: alice.name,
      WINDROW_KAFKA_SASL_PASSWORD_FILE: password,
      ...more,
    };
    const agent = await startAgent({ to: nowhere, args: ['--data', data.path], env });
    // Not loopback, of which it would warn.
    const args = ['--url', 'http://monitor.example.org'];
    const collector = await startCollector({ dataDir: data.path, args, env });
    return {
      both: [agent, collector],
      collector,
      async [Symbol.asyncDispose]() {
        await Promise.all([agent, collector].map((program) => program.stop()));
        data[Symbol.dispose]();
      },
    };
  }

  /** Waits until both have said it. */
  async function told({ both }: Programs, what: string): Promise<void> {
    for (const program of both) {
      await eventually(async () => expect(program.log()).toContain(what));
    }
  }

  /** Each part of a program that cannot go on says so, once. */
  function expectToldOnce({ both }: Programs, what: string): void {
    for (const program of both) {
      const lines = program
        .log()
        .split('\n')
        .filter((line) => line.includes(what));
      const told = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
      expect(told).toEqual([...new Set(told)]);
    }
  }

  /** Waits until so many samples more have come in, and looks that none is missing. */
  async function samplesCome({ collector }: Programs, count: number): Promise<void> {
    const received = () => metric(collector.url, 'windrow_samples_received_total');
    const enough = (await received()) + count;
    await eventually(async () => expect(await received()).toBeGreaterThanOrEqual(enough));
    expect(await metric(collector.url, 'windrow_samples_lost_total')).toBe(0);
  }

  it('a password that is put right in its file lets both programs in', async () => {
    const file = `${folder.path}/mended`;
    writeFileSync(file, 'not-hers');
    await using programs = await start(file);
    await told(programs, refused);
    rmSync(file);
    const gone = `kafka.sasl.password_file: cannot read ${file}: there is no such file`;
    await told(programs, gone);
    writeFileSync(file, alice.password);
    await samplesCome(programs, 4);
    for (const what of [refused, gone]) expectToldOnce(programs, what);
    for (const program of programs.both) {
      expect(program.log()).not.toContain('not-hers');
      expect(program.log()).not.toContain(alice.password);
    }
  });

  it('so does a CA', async () => {
    using others = tempDir();
    const password = `${folder.path}/kept`;
    writeFileSync(password, alice.password);
    const file = `${folder.path}/trusted.pem`;
    copyFileSync(makeCertificates(others.path).ca, file);
    await using programs = await start(password, { WINDROW_KAFKA_TLS_CA_FILE: file });
    const untrusted = 'is signed by a CA that is not trusted here';
    await told(programs, untrusted);
    writeFileSync(file, '');
    const none = `kafka.tls_ca_file: ${file} holds no certificate (PEM)`;
    await told(programs, none);
    copyFileSync(ca, file);
    await samplesCome(programs, 4);
    for (const what of [untrusted, none]) expectToldOnce(programs, what);
  });

  it('brokers that ask for the password again and again lose nothing, and get the new one once it is changed', async () => {
    const file = `${folder.path}/changed`;
    writeFileSync(file, alice.password);
    await using programs = await start(file);
    // Some five logins of each connection.
    await samplesCome(programs, 10);
    for (const program of programs.both) expect(program.log()).not.toMatch(/"level":[4-6]0/);
    await setPassword(`127.0.0.1:${cluster.nodes[0]?.ports.internal}`, {
      ...alice,
      password: 'anew',
    });
    await told(programs, refused);
    writeFileSync(file, 'anew');
    await samplesCome(programs, 10);
    expectToldOnce(programs, refused);
  });
});
