/** Somebody deletes topics while collectors run, and makes them anew. */
import { DatabaseSync } from 'node:sqlite';
import type { Admin } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { databasePath } from '../../collector/store/database.ts';
import type { FleetView } from '../../collector/api/contract.ts';
import { ALERTS_TOPIC } from '../../wire/records/alert-record.ts';
import { BATCH_HEADER, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { windowResultSchema, WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { startCollector, tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { untilReady } from './support/ready.ts';

const server = 'pc-a';
const readyMsMax = 90_000;
const startMs = Math.floor(Date.now() / 10_000) * 10_000 - 600_000;

/** One a second from ten minutes ago on. */
function samples(fromSeq: number, toSeq: number) {
  return Array.from({ length: toSeq - fromSeq }, (_, i) => {
    const seq = fromSeq + i;
    const ts = startMs + seq * 1_000;
    const value = { v: 1, server_id: server, ts, boot_id: 'boot', seq, cpu_pct: seq % 100 };
    const header = { v: 1, sent_at: ts, server_id: server, boot_id: 'boot' };
    return {
      key: server,
      value: JSON.stringify(value),
      headers: { [BATCH_HEADER]: JSON.stringify(header) },
      timestamp: String(ts),
    };
  });
}

async function write(brokers: readonly string[], messages: ReturnType<typeof samples>) {
  const producer = kafkaJs(brokers).producer();
  await producer.connect();
  await producer.send({ topic: SAMPLES_TOPIC, messages });
  await producer.disconnect();
}

function rows(dataDir: string, sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(databasePath(dataDir), { readOnly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

function storedSeqs(dataDir: string): number[] {
  return rows(dataDir, 'SELECT seq FROM samples ORDER BY seq').map(({ seq }) => Number(seq));
}

/** Windows that it made have come back to it. */
function hasResults(dataDir: string): boolean {
  return rows(dataDir, 'SELECT 1 FROM results').length > 0;
}

async function makeAnew(admin: Admin, topic: string, cleanup: string): Promise<void> {
  await admin.deleteTopics({ topics: [topic] });
  await eventually(async () => expect(await admin.listTopics()).not.toContain(topic), readyMsMax);
  const configEntries = [{ name: 'cleanup.policy', value: cleanup }];
  await eventually(async () => {
    await admin.createTopics({ topics: [{ topic, numPartitions: 3, configEntries }] });
  }, readyMsMax);
}

/** How far the server's windows are closed, as the topic has it. */
async function closedIn(brokers: readonly string[]): Promise<number | null> {
  const consumer = kafkaJs(brokers).consumer({ groupId: 'somebody' });
  await consumer.connect();
  await consumer.subscribe({ topic: WINDOW_RESULTS_TOPIC, fromBeginning: true });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  await consumer.run({
    eachMessage: async ({ message }) => {
      const result = windowResultSchema.parse(JSON.parse(String(message.value)));
      resolve(result.closed_through_ms);
    },
  });
  const closedMs = await promise;
  await consumer.disconnect();
  return closedMs;
}

describe.skipIf(kafkaMissing)('topics that are made anew', () => {
  it('what comes in them is taken in, all of it and once, and how far windows are closed is known in them', async () => {
    await using cluster = await startCluster({ settings: { 'auto.create.topics.enable': false } });
    const { brokers } = cluster;
    using one = tempDir();
    const args = ['--kafka', brokers.join(',')];
    await using programs = new AsyncDisposableStack();
    let collector = programs.use(await startCollector({ dataDir: one.path, args }));
    await untilReady(collector, readyMsMax);
    await write(brokers, samples(0, 100));
    await eventually(async () => {
      expect(storedSeqs(one.path)).toHaveLength(100);
      expect(hasResults(one.path)).toBe(true);
    }, readyMsMax);

    await withAdmin(kafkaJs(brokers), async (admin) => {
      await makeAnew(admin, SAMPLES_TOPIC, 'delete');
      await makeAnew(admin, WINDOW_RESULTS_TOPIC, 'compact');
    });
    expect(await closedIn(brokers)).not.toBeNull();
    await write(brokers, samples(100, 150));
    const seqs = Array.from({ length: 150 }, (_, seq) => seq);
    await eventually(async () => expect(storedSeqs(one.path)).toEqual(seqs), readyMsMax);
    expect(await metric(collector.url, 'windrow_samples_late_total')).toBe(0);
    expect(await metric(collector.url, 'windrow_samples_lost_total')).toBe(0);

    // While it is down another one is made: its offsets say nothing of this one.
    await collector.kill();
    await withAdmin(kafkaJs(brokers), (admin) => makeAnew(admin, SAMPLES_TOPIC, 'delete'));
    await write(brokers, samples(150, 270));
    collector = programs.use(await startCollector({ dataDir: one.path, args }));
    const all = Array.from({ length: 270 }, (_, seq) => seq);
    await eventually(async () => expect(storedSeqs(one.path)).toEqual(all), readyMsMax);
    await eventually(async () => {
      const { servers } = await getJson<FleetView>(`${collector.url}/api/fleet`);
      expect(servers.map(({ server_id }) => server_id)).toEqual([server]);
      expect(await metric(collector.url, 'windrow_log_behind_records')).toBe(0);
    }, readyMsMax);
    expect(await collector.stop()).toBe(0);
  }, 600_000);

  it('one that collectors share is made again when nobody else does', async () => {
    await using cluster = await startCluster({ settings: { 'auto.create.topics.enable': false } });
    const { brokers } = cluster;
    using one = tempDir();
    const args = ['--kafka', brokers.join(',')];
    await using collector = await startCollector({ dataDir: one.path, args });
    await untilReady(collector, readyMsMax);
    await write(brokers, samples(0, 100));
    await eventually(async () => expect(hasResults(one.path)).toBe(true), readyMsMax);
    const shared = [WINDOW_RESULTS_TOPIC, ALERTS_TOPIC];
    await withAdmin(kafkaJs(brokers), async (admin) => {
      await admin.deleteTopics({ topics: shared });
      await eventually(async () => {
        const there = await admin.listTopics();
        expect(shared.filter((topic) => there.includes(topic))).toEqual([]);
      }, readyMsMax);
      await write(brokers, samples(100, 200));
      await eventually(async () => {
        expect(await admin.listTopics()).toEqual(expect.arrayContaining(shared));
      }, readyMsMax);
    });
    expect(await closedIn(brokers)).not.toBeNull();
    await eventually(async () => {
      expect(await metric(collector.url, 'windrow_results_unpublished_records')).toBe(0);
    }, readyMsMax);
    await untilReady(collector, readyMsMax);
  }, 600_000);
});
