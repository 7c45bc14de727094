/** The adapter while brokers, their addresses and the network come and go. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import type { GroupConsumer, Log, LogProducer, SlotStart } from '../../wire/transport/log/port.ts';
import { eventually } from '../support/http.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { startProxied } from './support/proxy.ts';

const never = new AbortController().signal;
const topic = 'numbers';
const healMsMax = 90_000;
const testMsMax = 5 * healMsMax;

function logOf(brokers: readonly string[]) {
  const { log, lines } = createKeptLog();
  const settings = { clientId: 'test', tls: undefined, sasl: undefined };
  return { source: createKafkaLog({ ...settings, brokers }, log), lines };
}

async function ensure(source: Log, partitions: number): Promise<void> {
  const admin = source.admin();
  await admin.ensure([{ name: topic, partitions, replicas: undefined, settings: {} }], never);
  await admin.close();
}

/** Sends 0, 1, 2 … to one partition, each until it is taken, as an agent does. */
class Counting {
  readonly #producer: LogProducer;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  sent = 0;
  failures = 0;

  constructor(source: Log) {
    this.#producer = source.producer();
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
    await this.#producer.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const record = { topic, key: 'k', value: `${this.sent}`, partition: 0 };
      try {
        await this.#producer.send([record], never);
        this.sent += 1;
      } catch {
        this.failures += 1;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

interface Reading {
  readonly consumer: GroupConsumer;
  readonly seen: number[];
  readonly starts: readonly SlotStart[];
  /** The last of them. */
  readonly reached: () => number | undefined;
  /** Whether its slots may be another's, as last told. */
  readonly isParted: () => boolean;
}

function read(source: Log, member: string, group = 'readers'): Reading {
  const consumer = source.consumer({ group, member, topics: [topic] });
  const seen: number[] = [];
  const starts: SlotStart[] = [];
  let reached: number | undefined;
  let isParted = true;
  const stopping = new AbortController();
  const ended = consumer.run(
    {
      async assigned(_, startsAt) {
        isParted = false;
        starts.push(...startsAt);
      },
      parted() {
        isParted = true;
      },
      take: async (records) => void seen.push(...records.map(({ value }) => Number(String(value)))),
      reached: (places) => {
        reached = places.at(-1)?.offset;
      },
    },
    stopping.signal,
  );
  onTestFinished(() => {
    stopping.abort();
    return ended;
  });
  return { consumer, seen, starts, reached: () => reached, isParted: () => isParted };
}

/** Each for the first time in its order, none left out. */
function expectWhole(seen: readonly number[], sent: number): void {
  const first = [...new Set(seen)];
  expect(first).toEqual(Array.from({ length: Math.max(sent, first.length) }, (_, n) => n));
}

async function leaderOf(cluster: KafkaCluster, down: number | undefined): Promise<number> {
  const brokers = cluster.brokers.filter((_, index) => index !== (down ?? 0) - 1);
  const { topics } = await withAdmin(kafkaJs(brokers), (admin) =>
    admin.fetchTopicMetadata({ topics: [topic] }),
  );
  return topics[0]?.partitions[0]?.leader ?? -1;
}

/** Where the next record goes that is written to the first partition. */
async function endOf(brokers: readonly string[]): Promise<number> {
  const offsets = await withAdmin(kafkaJs(brokers), (admin) => admin.fetchTopicOffsets(topic));
  return Number(offsets.find(({ partition }) => partition === 0)?.high);
}

describe.skipIf(kafkaMissing)('while brokers come and go', { timeout: testMsMax }, () => {
  it('the leader is killed while it is written and read: nothing acknowledged is lost, nobody starts anew', async () => {
    await using cluster = await startCluster({ nodes: 3 });
    const { source, lines } = logOf(cluster.brokers);
    await ensure(source, 1);
    const { seen } = read(source, 'one');
    const counting = new Counting(source);
    await eventually(async () => expect(seen.length).toBeGreaterThan(100), healMsMax);
    const leader = await leaderOf(cluster, undefined);
    await cluster.nodes[leader - 1]?.kill();
    const before = counting.sent;
    await eventually(async () => {
      expect(counting.sent).toBeGreaterThan(before + 200);
      expect(seen.length).toBeGreaterThan(before + 200);
    }, healMsMax);
    await cluster.nodes[leader - 1]?.start(AbortSignal.timeout(healMsMax));
    await counting.stop();
    await eventually(async () => expect(new Set(seen).size).toBe(counting.sent), healMsMax);
    expectWhole(seen, counting.sent);
    // What is wrong is told when it changes, not at every try.
    expect(lines.filter(({ level }) => level === 'warn').length).toBeLessThan(10);
  });

  it('answers get lost: the library sends again under the same number, and nothing is there twice', async () => {
    await using net = await startProxied({ nodes: 1 });
    const [proxy] = net.proxies;
    const { source } = logOf(net.cluster.brokers);
    await ensure(source, 1);
    const counting = new Counting(source);
    await eventually(async () => expect(counting.sent).toBeGreaterThan(50), healMsMax);
    for (let cut = 0; cut < 10; cut += 1) {
      const before = counting.sent;
      // What was sent is on its way to the broker or back: some requests arrive, their answers do not.
      proxy?.cut();
      proxy?.heal();
      await eventually(async () => expect(counting.sent).toBeGreaterThan(before + 20), healMsMax);
    }
    await counting.stop();
    const end = await endOf(net.cluster.brokers);
    const { seen, reached } = read(source, 'one');
    await eventually(async () => expect(reached()).toBe(end), healMsMax);
    expectWhole(seen, counting.sent);
    // Where its tries did not do, ours begins anew, and may write a second copy.
    expect(seen.length).toBeLessThanOrEqual(counting.sent + counting.failures);
  });

  it('the network is cut under a member: its slots are taken over, and it comes back by itself', async () => {
    await using net = await startProxied({ nodes: 1 });
    const [proxy] = net.proxies;
    const direct = `127.0.0.1:${net.cluster.nodes[0]?.ports.internal}`;
    const { source, lines } = logOf(net.cluster.brokers);
    await ensure(source, 2);
    const { seen, isParted } = read(source, 'one');
    const within = logOf([direct]);
    const counting = new Counting(within.source);
    onTestFinished(() => counting.stop());
    await eventually(async () => expect(seen.length).toBeGreaterThan(20), healMsMax);
    proxy?.stall();
    const held = seen.length;
    await eventually(async () => {
      const { groups } = await withAdmin(kafkaJs([direct]), (admin) =>
        admin.describeGroups(['readers']),
      );
      expect(groups[0]?.members).toHaveLength(0);
    }, healMsMax);
    // It knows by itself: nobody can tell it.
    await eventually(async () => expect(isParted()).toBe(true), healMsMax);
    expect(seen.length - held).toBeLessThan(5_000);
    proxy?.heal();
    await eventually(async () => {
      expect(seen.length).toBeGreaterThan(held + 100);
      expect(isParted()).toBe(false);
    }, healMsMax);
    expectWhole(seen, 0);
    const told = lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
    expect(new Set(told).size).toBe(told.length);
  });

  it('a machine whose clock is hours ahead: its records are taken, without a time', async () => {
    await using cluster = await startCluster();
    const { source, lines } = logOf(cluster.brokers);
    await ensure(source, 1);
    const producer = source.producer();
    onTestFinished(() => producer.close());
    const aheadMs = Date.now() + 5 * 60 * 60 * 1000;
    const record = { topic, key: 'k', partition: 0, timeMs: aheadMs };
    await producer.send([{ ...record, value: '0' }], never);
    await producer.send([{ ...record, value: '1' }], never);
    const { seen } = read(source, 'one');
    await eventually(async () => expect(seen).toEqual([0, 1]), healMsMax);
    expect(lines.filter(({ msg }) => msg.includes("this machine's time"))).toHaveLength(1);
  });

  it('records that are gone at the broker are told; reading goes on behind them', async () => {
    await using cluster = await startCluster();
    const { source, lines } = logOf(cluster.brokers);
    await ensure(source, 1);
    const producer = source.producer();
    onTestFinished(() => producer.close());
    const records = [0, 1, 2, 3].map((n) => ({ topic, key: 'k', value: `${n}`, partition: 0 }));
    await producer.send(records, never);
    await withAdmin(kafkaJs(cluster.brokers), async (admin) => {
      // The group has read nothing yet, says who was here before.
      await admin.setOffsets({
        groupId: 'readers',
        topic,
        partitions: [{ partition: 0, offset: '0' }],
      });
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
    });
    const { seen } = read(source, 'one');
    await eventually(async () => expect(seen).toEqual([2, 3]), healMsMax);
    expect(lines.filter(({ msg }) => msg.includes('records are gone'))).toHaveLength(1);
  });

  it('the mark of a transaction is passed, and a log whose records are all gone begins at its end', async () => {
    await using cluster = await startCluster();
    const { source } = logOf(cluster.brokers);
    await ensure(source, 1);
    const kafka = kafkaJs(cluster.brokers);
    const producer = kafka.producer({
      transactionalId: 't',
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ key: 'k', value: '0' }] });
    await transaction.commit();
    await producer.disconnect();
    const { seen, reached } = read(source, 'one');
    await eventually(async () => expect(reached()).toBe(2), healMsMax);
    expect(seen).toEqual([0]);
    await withAdmin(kafka, async (admin) => {
      const groupId = 'others';
      await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] });
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
    });
    const { starts } = read(source, 'one', 'others');
    const start = { topic, partition: 0, offset: 2, endOffset: 2 };
    await eventually(async () => expect(starts).toMatchObject([start]), healMsMax);
  });
});
