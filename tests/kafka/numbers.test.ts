import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemCodeOf } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import { NUMBERS_GROUP } from '../../wire/compat/seed-d.ts';
import type { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { eventually as within } from '../support/http.ts';
import { run, tempDir } from '../support/programs.ts';
import { bombReason, sendBomb } from './support/bomb.ts';
import { kafkaJs, kafkaMissing, recordsIn, startCluster, withAdmin } from './support/kafka.ts';
import { kcatMissing, kcatRead, kcatWrite } from './support/kcat.ts';
import { makeTls, saslOptions } from './support/security.ts';
import { makeTopics } from './support/topics.ts';

const MAIN = fileURLToPath(new URL('../../collector/main.ts', import.meta.url));
const topic = 'numbers';
/** Brokers, clients and programs start beside other tests. */
const startMsMax = 60_000;
/** The last offsets, leaving the group, and what is written last. */
const endMsMax = 15_000;
const testMsMax = 6 * startMsMax;
const never = new AbortController().signal;

interface Total {
  readonly total: number;
  readonly numbers: number;
  readonly malformed: number;
}

/** A running `total`, with what it has written so far. */
function startTotal(brokers: readonly string[], ...args: string[]) {
  const verb = [MAIN, 'total', '--from', `kafka://${brokers.join(',')}`, ...args];
  const child = spawn(process.execPath, verb, { stdio: ['ignore', 'pipe', 'pipe'] });
  const totals: Total[] = [];
  let errors = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    totals.push(JSON.parse(line) as Total);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const closed = once(child, 'close');
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    await closed;
    return child.exitCode;
  };
  onTestFinished(() => end('SIGKILL').then(() => {}));
  return { totals, last: () => totals.at(-1), errors: () => errors, end };
}

/** As the old generator wrote: values without a key. */
async function produce(brokers: readonly string[], ...values: string[]): Promise<void> {
  const producer = kafkaJs(brokers).producer();
  await producer.connect();
  await producer.send({ topic, messages: values.map((value) => ({ value })) });
  await producer.disconnect();
}

/** What a consumer written like the old adder comes to, once it has read so many. */
async function oldTotal(brokers: readonly string[], count: number): Promise<number> {
  const consumer = kafkaJs(brokers).consumer({ groupId: 'old-adder' });
  await consumer.connect();
  onTestFinished(() => consumer.disconnect());
  await consumer.subscribe({ topic, fromBeginning: true });
  let total = 0;
  let seen = 0;
  await consumer.run({
    eachMessage: async ({ message }) => {
      const [, number] = /^[\d.]+:(\d+)$/.exec(String(message.value)) ?? [];
      total += Number(number);
      seen += 1;
    },
  });
  await eventually(async () => expect(seen).toBe(count));
  return total;
}

describe.skipIf(kafkaMissing)('numbers', { timeout: testMsMax }, () => {
  it('of our generator are summed by ours and by a client like the old adder', async () => {
    await using cluster = await startCluster();
    const { brokers } = cluster;
    const verb = ['generate', 'numbers', '--to', `kafka://${brokers.join(',')}`];
    const generated = await run('agent', [...verb, '--count', '20', '--interval', '5ms']);
    expect(generated.code).toBe(0);
    const told = generated.stderr.trim().split('\n');
    expect(told).toHaveLength(2);
    expect(JSON.parse(told[0] ?? '')).toMatchObject({
      level: 30,
      msg: 'topic made',
      topic,
      partitions: 1,
      replicas: 1,
      brokers: 1,
    });
    expect(told[1]).toBe(`reached Kafka at ${brokers.join(',')}`);
    const lines = generated.stdout.trim().split('\n');
    expect(lines).toHaveLength(20);
    const sum = lines.reduce((total, line) => total + Number(line.split(':').at(-1)), 0);
    const adder = startTotal(brokers);
    await eventually(async () => {
      expect(adder.last()).toEqual({ total: sum, numbers: 20, malformed: 0 });
    });
    expect(await oldTotal(brokers, 20)).toBe(sum);
    expect(await adder.end('SIGTERM')).toBe(0);
  });

  it('a topic that is deleted while numbers are generated is made again', async () => {
    await using cluster = await startCluster({ settings: { 'auto.create.topics.enable': false } });
    const { brokers } = cluster;
    const verb = ['generate', 'numbers', '--to', `kafka://${brokers.join(',')}`];
    // It goes on for 20 s: long after the topic is deleted, however late that is.
    const generating = run('agent', [...verb, '--count', '400', '--interval', '50ms']);
    await withAdmin(kafkaJs(brokers), async (admin) => {
      await eventually(async () => {
        const [partition] = await admin.fetchTopicOffsets(topic);
        expect(Number(partition?.offset)).toBeGreaterThan(10);
      });
      await admin.deleteTopics({ topics: [topic] });
    });
    const { code, stdout, stderr } = await generating;
    expect(code).toBe(0);
    const sent = stdout.trim().split('\n');
    expect(sent).toHaveLength(400);
    expect(stderr.split('\n').filter((line) => line.includes('topic made'))).toHaveLength(2);
    const there = (await recordsIn(brokers, topic)).map(({ value }) => String(value));
    expect(there.length).toBeGreaterThan(0);
    expect(there.length).toBeLessThan(400);
    expect(there).toEqual(sent.slice(-there.length));
  });

  it('a topic that is deleted while they are summed has no total of 0: it is told, and so is the one made anew', async () => {
    await using cluster = await startCluster({ settings: { 'auto.create.topics.enable': false } });
    const { brokers } = cluster;
    await makeTopic(cluster);
    await produce(brokers, '10.0.0.7:60', '10.0.0.7:40');
    const adder = startTotal(brokers);
    await eventually(async () => expect(adder.last()).toMatchObject({ total: 100, numbers: 2 }));
    const before = adder.totals.length;
    await withAdmin(kafkaJs(brokers), (admin) => admin.deleteTopics({ topics: [topic] }));
    const gone = 'topic numbers is gone: waits until somebody makes it again\n';
    await eventually(async () => expect(adder.errors()).toContain(gone));
    expect(adder.totals.slice(before)).toEqual([]);
    await makeTopic(cluster);
    await produce(brokers, '10.0.0.7:5');
    await eventually(async () => expect(adder.last()).toMatchObject({ total: 5, numbers: 1 }));
    expect(adder.errors().split(gone)).toHaveLength(2);
    expect(adder.errors()).toContain('topic numbers was made anew: the total is of this one');
    expect(await adder.end('SIGTERM')).toBe(0);
  });

  it('of an old generator are summed; what is malformed is told with its offset; the total outlives the adder', async () => {
    await using cluster = await startCluster();
    const { brokers } = cluster;
    await makeTopic(cluster);
    await produce(brokers, '10.0.0.7:60', 'garbage', '10.0.0.7:101', '10.0.0.8:40');
    await sendBomb(brokers, { topic, partition: 0 });
    const first = startTotal(brokers);
    await eventually(async () => {
      expect(first.last()).toEqual({ total: 100, numbers: 2, malformed: 4 });
    });
    expect(first.errors()).toContain(`numbers/0 offset 4 to 5 are skipped: ${bombReason}`);
    expect(first.errors()).toContain('numbers/0 offset 1 is skipped: "garbage" is not');
    expect(first.errors()).toContain('numbers/0 offset 2 is skipped: "10.0.0.7:101"');
    expect(await first.end('SIGTERM')).toBe(0);

    const second = startTotal(brokers);
    await eventually(async () => {
      expect(second.totals).toEqual([{ total: 100, numbers: 2, malformed: 0 }]);
    });
    await produce(brokers, '10.0.0.7:1');
    await eventually(async () => expect(second.last()?.total).toBe(101));
    await second.end('SIGKILL');

    const third = startTotal(brokers);
    await produce(brokers, '10.0.0.7:2');
    await eventually(async () => expect(third.last()).toMatchObject({ total: 103, numbers: 4 }));
  });

  it('the total ends at the first signal, though nobody reads what it writes', async () => {
    await using cluster = await startCluster();
    const { brokers } = cluster;
    await makeTopic(cluster);
    using folder = tempDir();
    const full = fullPipe(folder.path);
    const verb = [MAIN, 'total', '--from', `kafka://${brokers.join(',')}`];
    const child = spawn(process.execPath, verb, { stdio: ['ignore', full, 'ignore'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    await eventually(async () => {
      const { groups } = await withAdmin(kafkaJs(brokers), (admin) =>
        admin.describeGroups([NUMBERS_GROUP]),
      );
      expect(groups[0]?.state).toBe('Stable');
    });
    child.kill('SIGTERM');
    expect(await Promise.race([exited, pause(endMsMax, never)])).toEqual([0, null]);
  });

  it('pass brokers with TLS and SASL by the settings of the configuration', async () => {
    using folder = tempDir();
    const { certificates, settings } = makeTls(folder.path);
    const alice = { name: 'alice', password: 'alice-secret' };
    await using cluster = await startCluster(saslOptions([alice], settings));
    const url = `kafka://${cluster.brokers.join(',')}`;
    const env = {
      WINDROW_KAFKA_TLS: 'true',
      WINDROW_KAFKA_TLS_CA_FILE: certificates.ca,
      WINDROW_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      WINDROW_KAFKA_SASL_USERNAME: alice.name,
      WINDROW_KAFKA_SASL_PASSWORD: alice.password,
    };
    const verb = ['generate', 'numbers', '--to', url, '--count', '1'];
    const generated = await run('agent', verb, { env });
    expect([generated.code, generated.stdout.split('\n')]).toEqual([0, [expect.anything(), '']]);
    const wrong = { ...env, WINDROW_KAFKA_SASL_PASSWORD: 'no-secret' };
    const refused = await run('collector', ['total', '--from', url], { env: wrong });
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('the broker does not accept user name or password');
    expect(refused.stderr).toContain('kafka.sasl.password_file');
    expect(refused.stderr).not.toContain('no-secret');
  });

  it.skipIf(kcatMissing)('kcat writes some, and reads ours', async () => {
    await using cluster = await startCluster();
    const { brokers } = cluster;
    await makeTopic(cluster);
    await kcatWrite(brokers, topic, ['10.0.0.7:3', '::1:4']);
    const adder = startTotal(brokers);
    await eventually(async () => expect(adder.last()).toMatchObject({ total: 7, numbers: 2 }));
    const verb = ['generate', 'numbers', '--to', `kafka://${brokers.join(',')}`];
    const { stdout } = await run('agent', [...verb, '--count', '2', '--interval', '1ms']);
    const ours = stdout.trim().split('\n');
    expect(await kcatRead(brokers, topic)).toEqual(['10.0.0.7:3', '::1:4', ...ours]);
  });
});

/** A pipe that takes no more, and that nobody reads. @returns its file descriptor */
function fullPipe(folder: string): number {
  const path = join(folder, 'full');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(fd));
  for (const bytes of [4_096, 1]) {
    for (let isFull = false; !isFull; ) {
      try {
        writeSync(fd, Buffer.alloc(bytes));
      } catch (error) {
        if (systemCodeOf(error) !== 'EAGAIN') throw error;
        isFull = true;
      }
    }
  }
  return fd;
}

function makeTopic({ brokers }: KafkaCluster): Promise<void> {
  return makeTopics(kafkaJs(brokers), { topic, numPartitions: 1 });
}

function eventually<T>(probe: () => Promise<T>): Promise<T> {
  return within(probe, startMsMax);
}
