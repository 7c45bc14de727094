/** What others write, and topics that take little. */
import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { databasePath } from '../../collector/store/database.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { BATCH_HEADER, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { eventually, metric } from '../support/http.ts';
import { startCollector, tempDir } from '../support/programs.ts';
import { bombReason, sendBomb } from './support/bomb.ts';
import {
  kafkaJs,
  kafkaMissing,
  startCluster,
  suiteBrokers,
  suiteKafkaMissing,
  withAdmin,
} from './support/kafka.ts';

const never = new AbortController().signal;
const waitMsMax = { timeout: 30_000 };

async function scene(configEntries: { name: string; value: string }[] = []) {
  const topic = `hostile-${randomUUID()}`;
  await withAdmin(kafkaJs(suiteBrokers()), (admin) =>
    admin.createTopics({
      topics: [{ topic, numPartitions: 1, configEntries }],
      waitForLeaders: true,
    }),
  );
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

const megabyte = 1_000_000;

/** What is in the table of what was put aside. */
function quarantined(dataDir: string) {
  const db = new DatabaseSync(databasePath(dataDir), { readOnly: true });
  try {
    return db.prepare('SELECT topic, remote, reason FROM quarantine ORDER BY id').all();
  } finally {
    db.close();
  }
}

describe.skipIf(kafkaMissing)('a collector', () => {
  it('puts poison of each kind aside with its place and reason, once, and takes in what is behind it', async () => {
    await using cluster = await startCluster({ settings: { 'auto.create.topics.enable': false } });
    const { brokers } = cluster;
    const topic = SAMPLES_TOPIC;
    await withAdmin(kafkaJs(brokers), (admin) =>
      admin.createTopics({
        topics: [
          {
            topic,
            numPartitions: 1,
            configEntries: [{ name: 'max.message.bytes', value: `${20 * megabyte}` }],
          },
        ],
        waitForLeaders: true,
      }),
    );
    const good = { v: 1, server_id: 'pc', ts: Date.now(), boot_id: 'boot', seq: 0, cpu_pct: 1 };
    const sample = (changes: object = {}) => JSON.stringify({ ...good, ...changes });
    const poison = [
      { key: 'pc', value: 'not JSON' },
      { key: 'pc', value: sample({ ts: 'noon' }) },
      { key: 'pc', value: sample({ cpu_pct: [1] }) },
      { key: 'pc', value: `"${'x'.repeat(10 * megabyte)}"` },
      { key: '', value: sample() },
      { key: 'pc', value: null },
      { key: 'pc', value: sample({ v: 9 }) },
      { key: 'pc', value: sample(), headers: { [BATCH_HEADER]: '{"v":9,"sent_at":1}' } },
    ];
    const reasons = [
      'not JSON',
      expect.stringContaining('ts'),
      expect.stringContaining('cpu_pct'),
      'longer than 262144 bytes',
      'no key: it must be the server_id',
      'tombstone: it has no value',
      expect.stringContaining('sample v'),
      'a batch of version 9 of the wire, this program knows 1: update it',
    ];
    const producer = kafkaJs(brokers).producer();
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    for (const message of poison) await producer.send({ topic, messages: [message] });
    await sendBomb(brokers, { topic, partition: 0 });
    await producer.send({ topic, messages: [{ key: 'pc', value: sample() }] });

    using data = tempDir();
    const wanted = [
      ...reasons.map((reason, offset) => ({ topic, remote: `kafka ${topic}/0@${offset}`, reason })),
      { topic, remote: `kafka ${topic}/0@8-9`, reason: bombReason },
    ];
    const start = () =>
      startCollector({ dataDir: data.path, args: ['--kafka', brokers.join(',')] });
    const first = await start();
    onTestFinished(() => first.kill());
    await eventually(async () =>
      expect(await metric(first.url, 'windrow_samples_received_total')).toBe(1),
    );
    expect(await metric(first.url, 'windrow_records_quarantined_total')).toBe(10);
    await eventually(async () => expect(quarantined(data.path)).toEqual(wanted));
    // What is not committed in the group yet is read again.
    await first.kill();
    await using second = await start();
    await producer.send({ topic, messages: [{ key: 'pc', value: sample({ seq: 1 }) }] });
    await eventually(async () =>
      expect(await metric(second.url, 'windrow_samples_received_total')).toBe(1),
    );
    expect(quarantined(data.path)).toEqual(wanted);
  }, 120_000);
});
