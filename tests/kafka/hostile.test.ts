/** What others write, and topics that take little. */
import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { AlertsView, FleetView, ServerView } from '../../collector/api/contract.ts';
import { databasePath } from '../../collector/store/database.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { METRICS } from '../../wire/metrics.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { startCollector, tempDir } from '../support/programs.ts';
import { bombReason, sendBomb } from './support/bomb.ts';
import {
  kafkaJs,
  kafkaMissing,
  startCluster,
  suiteBrokers,
  suiteKafkaMissing,
} from './support/kafka.ts';
import { poisonBytesMax, poisonedTopics, sampleMessage } from './support/poison.ts';
import { makeTopics } from './support/topics.ts';

const never = new AbortController().signal;
const waitMsMax = 90_000;

async function scene(configEntries: { name: string; value: string }[] = []) {
  const topic = `hostile-${randomUUID()}`;
  await makeTopics(kafkaJs(suiteBrokers()), { topic, numPartitions: 1, configEntries });
  const { log: logger, lines } = createKeptLog();
  const settings = { clientId: 'test', tls: undefined, sasl: undefined };
  const log = createKafkaLog({ ...settings, brokers: suiteBrokers() }, logger);
  const seen: string[] = [];
  const stopping = new AbortController();
  const take = async (records: readonly { value: Buffer | undefined }[]): Promise<void> =>
    void seen.push(...records.map(({ value }) => String(value)));
  const reading = log.reader(topic).follow([], { take, caughtUp: () => {} }, stopping.signal);
  onTestFinished(() => {
    stopping.abort();
    return reading;
  });
  return { topic, log, lines, seen };
}

describe.skipIf(suiteKafkaMissing)('kafka', () => {
  it('a batch that unpacks to 20 MiB is passed by, and told where nobody else hears of it', async () => {
    const { topic, log, lines, seen } = await scene();
    await sendBomb(suiteBrokers(), { topic, partition: 0 });
    const producer = log.producer();
    onTestFinished(() => producer.close());
    await producer.send([{ topic, key: 'k', value: 'behind' }], never);
    await vi.waitFor(() => expect(seen).toEqual(['behind']), waitMsMax);
    expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { topic, offset: 0, to: 2, msg: `${bombReason}; goes on behind them` },
    ]);
  });

  it('of what is too large together all is written; one that is so alone is refused, and no other', async () => {
    const { topic, log, seen } = await scene([{ name: 'max.message.bytes', value: '2000' }]);
    const producer = log.producer();
    onTestFinished(() => producer.close());
    const record = (value: string) => ({ topic, key: 'k', value });
    const small = Array.from({ length: 20 }, (_, n) => record(`${n}`.padEnd(300, '.')));
    await producer.send(small, never);
    await vi.waitFor(() => expect(new Set(seen).size).toBe(20), waitMsMax);
    expect(seen).toEqual(small.map(({ value }) => value));
    const large = record('x'.repeat(3_000));
    const sending = producer.send([record('before'), large, record('after')], never);
    await expect(sending).rejects.toMatchObject({
      code: 'refused',
      retryable: false,
      records: [large],
    });
    await vi.waitFor(() => expect(seen.slice(20)).toEqual(['before', 'after']), waitMsMax);
  });

  it('what goes in smaller parts is not written again to where it was taken the first time', async () => {
    const small = await scene([{ name: 'max.message.bytes', value: '2000' }]);
    const other = await scene();
    const producer = small.log.producer();
    onTestFinished(() => producer.close());
    const values = Array.from({ length: 20 }, (_, n) => `${n}`.padEnd(300, '.'));
    // As samples and their copies in an old system's format, whose readers know no repeats.
    const records = values.flatMap((value) =>
      [small, other].map(({ topic }) => ({ topic, key: 'k', value })),
    );
    await producer.send(records, never);
    await producer.send([{ topic: other.topic, key: 'k', value: 'last' }], never);
    await vi.waitFor(() => expect(other.seen.at(-1)).toBe('last'), waitMsMax);
    expect(other.seen).toEqual([...values, 'last']);
    await vi.waitFor(() => expect(small.seen).toEqual(values), waitMsMax);
  });
});

/** What of this topic is in the table of what was put aside. */
function quarantined(dataDir: string, topic: string) {
  const db = new DatabaseSync(databasePath(dataDir), { readOnly: true });
  try {
    const sql = 'SELECT topic, remote, reason FROM quarantine WHERE topic = ? ORDER BY id';
    return db.prepare(sql).all(topic);
  } finally {
    db.close();
  }
}

const cpuAt = METRICS.indexOf('cpu_pct');

/** What the collector has of the good records, as its page shows it. */
async function shown(url: string) {
  const { servers } = await getJson<FleetView>(`${url}/api/fleet`);
  const { active } = await getJson<AlertsView>(`${url}/api/alerts`);
  const find = (name: string) => servers.find(({ server_id }) => server_id === name);
  const told = find('told');
  const { inventory } = await getJson<ServerView>(`${url}/api/servers/${told?.id}`);
  return {
    samples: await metric(url, 'windrow_samples_received_total'),
    cpu: ['pc', 'server_1', 'machine_46'].map((name) => find(name)?.values[cpuAt]),
    hostname: inventory?.facts.hostname,
    elsewhere: find('elsewhere')?.owner,
    alerts: active.map(({ rule, server }) => `${rule} ${server}`),
  };
}

describe.skipIf(kafkaMissing)('a collector', () => {
  it('puts poison of each kind and topic aside with its place and reason, once, and takes in what is behind it', async () => {
    await using cluster = await startCluster({ settings: { 'auto.create.topics.enable': false } });
    const { brokers } = cluster;
    const nowMs = Date.now();
    const poisoned = poisonedTopics(nowMs);
    const entry = (name: string, value: string) => ({ name, value });
    const topics = poisoned.map(({ topic, isCompacted }) => ({
      topic,
      numPartitions: 1,
      configEntries: [
        entry('max.message.bytes', `${poisonBytesMax}`),
        entry('cleanup.policy', isCompacted ? 'compact' : 'delete'),
      ],
    }));
    await makeTopics(kafkaJs(brokers), ...topics);
    const producer = kafkaJs(brokers).producer();
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    for (const { topic, poison, good } of poisoned) {
      for (const { reason: _, ...message } of poison) {
        await producer.send({ topic, messages: [message] });
      }
      await sendBomb(brokers, { topic, partition: 0 });
      await producer.send({ topic, messages: [good] });
    }

    using data = tempDir();
    const wanted = poisoned.map(({ topic, poison }) => [
      ...poison.map(({ reason }, offset) => ({
        topic,
        remote: `kafka ${topic}/0@${offset}`,
        reason,
      })),
      {
        topic,
        remote: `kafka ${topic}/0@${poison.length}-${poison.length + 1}`,
        reason: bombReason,
      },
    ]);
    const putAside = () => poisoned.map(({ topic }) => quarantined(data.path, topic));
    const start = () =>
      startCollector({ dataDir: data.path, args: ['--kafka', brokers.join(',')] });
    const first = await start();
    onTestFinished(() => first.kill());
    await eventually(
      async () =>
        expect(await shown(first.url)).toEqual({
          samples: 3,
          cpu: [1, 2, 3],
          hostname: 'told',
          elsewhere: { url: 'http://two:7861', id: 1 },
          alerts: ['busy elsewhere'],
        }),
      waitMsMax,
    );
    const records = poisoned.reduce((sum, { poison }) => sum + poison.length + 2, 0);
    expect(await metric(first.url, 'windrow_records_quarantined_total')).toBe(records);
    await eventually(async () => expect(putAside()).toEqual(wanted), waitMsMax);
    // What is not committed in the group yet is read again.
    await first.kill();
    await using second = await start();
    await producer.send({ topic: SAMPLES_TOPIC, messages: [sampleMessage(nowMs, { seq: 1 })] });
    await eventually(
      async () => expect(await metric(second.url, 'windrow_samples_received_total')).toBe(1),
      waitMsMax,
    );
    expect(putAside()).toEqual(wanted);
  }, 360_000);
});
