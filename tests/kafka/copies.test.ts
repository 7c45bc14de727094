/** Topics as windrow makes them, on brokers whose own settings would keep one copy; and brokers of theirs that are away. */
import { ConfigResourceTypes } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { eventually } from '../support/http.ts';
import { run, startCollector, type TempDir, tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, recordsIn, withAdmin } from './support/kafka.ts';
import { type ProxiedCluster, startProxied } from './support/proxy.ts';
import { untilReady } from './support/ready.ts';

const never = new AbortController().signal;
/** Each controls too: of five, two may be away, and the others still agree on who is in sync. */
const nodes = 5;
const healMsMax = 90_000;
const testMsMax = 5 * healMsMax;

describe.skipIf(kafkaMissing)('brokers that keep one copy unless told otherwise', () => {
  let net: ProxiedCluster;
  let data: TempDir;

  beforeAll(async () => {
    data = tempDir();
    net = await startProxied({
      nodes,
      settings: {
        'default.replication.factor': 1,
        'min.insync.replicas': 1,
        'auto.create.topics.enable': false,
      },
    });
    const args = ['--kafka', net.cluster.brokers.join(',')];
    await using collector = await startCollector({ args });
    await untilReady(collector);
  }, testMsMax);
  afterAll(async () => {
    await net[Symbol.asyncDispose]();
    data[Symbol.dispose]();
  });

  function node(id: number) {
    const found = net.cluster.nodes[id - 1];
    if (found === undefined) throw new Error(`there is no broker ${id}`);
    return found;
  }

  /** Where the brokers listen themselves, which they do not tell. */
  function direct(ids: readonly number[]): string[] {
    return ids.map((id) => `127.0.0.1:${node(id).ports.client}`);
  }

  async function topics(brokers = net.cluster.brokers) {
    const told = await withAdmin(kafkaJs(brokers, { retry: { retries: 2 } }), async (admin) => {
      const names = (await admin.listTopics()).filter((name) => !name.startsWith('__'));
      return admin.fetchTopicMetadata({ topics: names });
    });
    return told.topics;
  }

  async function firstOfSamples(brokers = net.cluster.brokers) {
    const samples = (await topics(brokers)).find(({ name }) => name === SAMPLES_TOPIC);
    const first = samples?.partitions.find(({ partitionId }) => partitionId === 0);
    if (first === undefined) throw new Error('it is not there');
    return first;
  }

  async function doctor(brokers: readonly string[]) {
    const args = ['doctor', '--kafka', brokers.join(','), '--data', data.path];
    const { code, stdout } = await run('agent', args);
    const lines = stdout.split('\n');
    const at = (name: string): string[] => {
      const line = lines.findIndex((each) => new RegExp(`^\\w+ +${name} `).test(each));
      return lines.slice(line, line + 2);
    };
    return { code, failed: lines.filter((line) => line.startsWith('FAIL')), at };
  }

  it('topics are made with three copies, two of which must have a record', async () => {
    const made = await topics();
    expect(made.map(({ name }) => name)).toContain(SAMPLES_TOPIC);
    expect(made).toHaveLength(9);
    for (const { name, partitions } of made) {
      expect(new Set(partitions.map(({ replicas }) => replicas.length)), name).toEqual(
        new Set([3]),
      );
    }
    const { resources } = await withAdmin(kafkaJs(net.cluster.brokers), (admin) =>
      admin.describeConfigs({
        resources: made.map(({ name }) => ({
          type: ConfigResourceTypes.TOPIC,
          name,
          configNames: ['min.insync.replicas'],
        })),
        includeSynonyms: false,
      }),
    );
    const inSync = resources.map(({ configEntries }) => configEntries[0]?.configValue);
    expect(inSync).toEqual(made.map(() => '2'));
  });

  it(
    'two of the three that have a copy are killed: nothing is taken that one disk alone would have, doctor warns, and it arrives when they are back',
    async () => {
      const { leader, replicas } = await firstOfSamples();
      const killed = replicas.filter((id) => id !== leader);
      expect(killed).toHaveLength(2);
      await Promise.all(killed.map((id) => node(id).kill()));
      await eventually(async () => {
        const { isr } = await firstOfSamples(direct([leader]));
        expect(isr).toEqual([leader]);
      }, healMsMax);
      const settings = { brokers: net.cluster.brokers, clientId: 'test', tls: undefined };
      const source = createKafkaLog({ ...settings, sasl: undefined }, createKeptLog().log);
      const producer = source.producer();
      onTestFinished(() => producer.close());
      const record = { topic: SAMPLES_TOPIC, partition: 0, key: 'k', value: 'kept' };
      let isTaken = false;
      // Until they have agreed who controls, brokers say that they start.
      await eventually(async () => {
        const sent = producer.send([record], never).then(() => (isTaken = true));
        await expect(sent).rejects.toMatchObject({
          message: expect.stringContaining('fewer replicas are there than') as string,
          retryable: true,
        });
      }, healMsMax);

      const all = net.cluster.nodes.map((_, index) => index + 1);
      // Those that are left may be slow to answer while they agree.
      await eventually(async () => {
        const { code, failed, at } = await doctor(direct(all));
        const [brokers, advice] = at('brokers');
        expect(brokers).toMatch(/^WARN /);
        for (const [i, broker] of direct(all).entries()) {
          const isKilled = killed.includes(i + 1);
          expect(brokers?.includes(`${broker}: connect ECONNREFUSED`), broker).toBe(isKilled);
        }
        expect(advice).toContain('→ Start the brokers');
        expect([code, failed]).toEqual([0, []]);
      }, healMsMax);
      expect(isTaken).toBe(false);

      await Promise.all(killed.map((id) => node(id).start(AbortSignal.timeout(healMsMax))));
      await eventually(() => producer.send([record], never), healMsMax);
      const there = await recordsIn(net.cluster.brokers, SAMPLES_TOPIC);
      expect(there.map(({ value }) => String(value))).toContain('kept');
    },
    testMsMax,
  );

  // The last one: what is closed here stays closed.
  it('a broker is not reached under the address that it advertises: doctor fails, and says what that is', async () => {
    const [closed] = net.proxies;
    const address = `127.0.0.1:${closed?.port}`;
    const given = direct([1, 2]);
    // A broker that was killed before may be back for those alone that it has told of it.
    await eventually(async () => {
      const before = await doctor(given);
      expect(before.at('cluster')[0]).toMatch(/^OK .*1 at 127/);
      expect([before.code, before.failed]).toEqual([0, []]);
    }, healMsMax);
    await closed?.[Symbol.asyncDispose]();
    const { code, failed, at } = await doctor(given);
    expect(at('brokers')[0]).toMatch(/^OK /);
    const [cluster, advice] = at('cluster');
    expect(cluster).toMatch(new RegExp(`^FAIL +cluster +${address}: connect ECONNREFUSED [^;]+$`));
    expect(advice).toContain('advertised.listeners');
    expect([code, failed]).toEqual([1, [cluster]]);
  });
});
