/** Topics get more partitions while the collector that assigns the slots is down for less than its session. */
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { databasePath } from '../../collector/store/database.ts';
import { BATCH_HEADER, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { eventually, metric } from '../support/http.ts';
import { startCollector, tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { keepSession } from './support/kept-session.ts';
import { untilReady } from './support/ready.ts';

const before = 6;
const after = 12;
const server = 'pc-moved';

/** One sample, in a partition that there was not before. */
async function sendBehind(brokers: readonly string[]): Promise<void> {
  const ts = Date.now();
  const value = { v: 1, server_id: server, ts, boot_id: 'boot', seq: 0, cpu_pct: 7 };
  const header = { v: 1, sent_at: ts, server_id: server, boot_id: 'boot' };
  const headers = { [BATCH_HEADER]: JSON.stringify(header) };
  const message = { key: server, value: JSON.stringify(value), partition: after - 1, headers };
  const producer = kafkaJs(brokers).producer();
  await producer.connect();
  await producer.send({ topic: SAMPLES_TOPIC, messages: [message] });
  await producer.disconnect();
}

function storedIn(dataDir: string): number {
  const db = new DatabaseSync(databasePath(dataDir), { readOnly: true });
  try {
    return Number(db.prepare('SELECT count(*) AS n FROM samples').get()?.['n']);
  } finally {
    db.close();
  }
}

describe.skipIf(kafkaMissing)('a collector on Kafka', () => {
  it('that is killed and back within its session reads partitions that came meanwhile', async () => {
    await using cluster = await startCluster();
    const { brokers } = cluster;
    await using programs = new AsyncDisposableStack();
    const { path: dataDir } = programs.use(tempDir());
    const args = ['--kafka', brokers.join(',')];
    const collector = programs.use(await startCollector({ dataDir, args }));
    await untilReady(collector);
    expect(await metric(collector.url, 'windrow_log_slots')).toBe(before);
    // Else the group would miss it, and make shares of all that there is.
    await using session = await keepSession(brokers, dataDir);
    await collector.kill();
    await withAdmin(kafkaJs(brokers), async (admin) => {
      await admin.createPartitions({ topicPartitions: [{ topic: SAMPLES_TOPIC, count: after }] });
      await eventually(async () => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [SAMPLES_TOPIC] });
        expect(topics[0]?.partitions).toHaveLength(after);
      }, 60_000);
    });
    const again = programs.use(await startCollector({ dataDir, args }));
    await untilReady(again);
    expect(await session.ended()).toBe('replaced');
    expect(await metric(again.url, 'windrow_log_slots')).toBe(after);
    await sendBehind(brokers);
    await eventually(async () => expect(storedIn(dataDir)).toBe(1), 60_000);
  }, 240_000);
});
