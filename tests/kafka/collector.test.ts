import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Message } from 'kafkajs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { databasePath } from '../../collector/store/database.ts';
import { SEED_B_TOPIC } from '../../wire/compat/seed-b.ts';
import { BATCH_HEADER, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { eventually, metric } from '../support/http.ts';
import {
  type RunningCollector,
  run,
  startAgent,
  startCollector,
  tempDir,
} from '../support/programs.ts';
import { kafkaJs, kafkaMissing, startCluster } from './support/kafka.ts';
import { expectReady, untilReady } from './support/ready.ts';

const seconds = 120;
const parts = 4;
const waitMsMax = 90_000;
const testMsMax = 480_000;

interface Sent extends Message {
  readonly topic: string;
}

/** Ten minutes ago, at a fixed place between two slides, so that all runs see the same times. */
function startMs(): number {
  return Math.floor((Date.now() - 600_000) / 10_000) * 10_000 + 3_000;
}

function ownSample(server: string, ts: number, seq: number): Sent {
  const value = { v: 1, server_id: server, ts, boot_id: 'boot', seq, cpu_pct: seq % 100 };
  const header = { v: 1, sent_at: ts, server_id: server, boot_id: 'boot' };
  const headers = { [BATCH_HEADER]: JSON.stringify(header) };
  return {
    topic: SAMPLES_TOPIC,
    key: server,
    value: JSON.stringify(value),
    headers,
    timestamp: String(ts),
  };
}

function seedA(ts: number, i: number): Sent[] {
  const time = new Date(ts).toISOString().slice(11, 19);
  const common = { timestamp: time, original_ts: time, server_id: 'server_1' };
  const values = {
    'topic-cpu': { cpu_pct: i % 100 },
    'topic-mem': { mem_pct: i % 50 },
    'topic-net': { net_in: i, net_out: 2 * i },
    'topic-disk': { disk_io: i / 10 },
  };
  return Object.entries(values).map(([topic, value]) => ({
    topic,
    key: 'server_1',
    value: JSON.stringify({ ...common, ...value }),
    timestamp: String(ts),
  }));
}

function seedB(ts: number, i: number): Sent {
  const bytes = { read: i * 100, write: i * 50 };
  const value = {
    machine_id: 'machine_46',
    timestamp: ts / 1_000,
    cpu_usage: i % 100,
    memory_usage: 40,
    disk_io: bytes,
    network_io: { sent: i * 1_000, recv: i * i },
  };
  return {
    topic: SEED_B_TOPIC,
    key: 'machine_46',
    value: JSON.stringify(value),
    timestamp: String(ts),
  };
}

/** What all senders write, in parts; the last one makes all before it final. */
function partsFrom(fromMs: number): Sent[][] {
  const made = Array.from({ length: parts }, (): Sent[] => []);
  const second = (i: number): Sent[] => {
    const ts = fromMs + i * 1_000;
    const own = ['pc-a', 'pc-b', 'pc-c'].map((server) => ownSample(server, ts, i));
    return [...own, ...seedA(ts, i), ...(i % 2 === 0 ? [seedB(ts, i)] : [])];
  };
  for (let i = 0; i < seconds; i += 1) made[Math.floor((i * parts) / seconds)]?.push(...second(i));
  made.push(second(seconds + 120));
  return made;
}

/** Rows that the parts become: each record of these formats is one. */
const rowsOf = (sent: readonly Sent[][]): number => sent.flat().length;

async function write(brokers: readonly string[], messages: readonly Sent[]): Promise<void> {
  const producer = kafkaJs(brokers).producer({ idempotent: true });
  await producer.connect();
  const topics = [...new Set(messages.map(({ topic }) => topic))];
  await producer.sendBatch({
    topicMessages: topics.map((topic) => ({
      topic,
      messages: messages.filter((message) => message.topic === topic),
    })),
  });
  await producer.disconnect();
}

function storedSamples(dataDir: string): number {
  const db = new DatabaseSync(databasePath(dataDir), { readOnly: true });
  try {
    return Number(db.prepare('SELECT count(*) AS n FROM samples').get()?.['n']);
  } finally {
    db.close();
  }
}

async function exported(dataDir: string, what: string): Promise<string> {
  const result = await run('collector', ['export', what, '--data', dataDir]);
  expect(result.stderr).toBe('');
  return result.stdout;
}

/** Only what is final: what is not may come out otherwise the next moment. */
function finals(csv: string): string[] {
  const [head, ...rows] = csv.trim().split('\n');
  const column = head?.split(',').indexOf('final') ?? -1;
  expect(column).toBeGreaterThan(0);
  return rows.filter((row) => row.split(',')[column] === '1');
}

/** One that makes no topic because somebody writes to it: with one partition it would be in the way. */
function startBroker() {
  return startCluster({ settings: { 'auto.create.topics.enable': false } });
}

function start(brokers: readonly string[], dataDir: string): Promise<RunningCollector> {
  return startWith(['--kafka', brokers.join(',')], dataDir);
}

async function startWith(args: readonly string[], dataDir: string): Promise<RunningCollector> {
  const collector = await startCollector({ dataDir, args });
  onTestFinished(() => collector.kill());
  await untilReady(collector);
  return collector;
}

/** What a fleet ends as when one collector takes it in; `kills`: it is killed after each part. */
async function outcomeOf(sent: readonly Sent[][], kills: boolean) {
  await using cluster = await startBroker();
  using data = tempDir();
  let collector = await start(cluster.brokers, data.path);
  let rows = 0;
  for (const part of sent) {
    await write(cluster.brokers, part);
    rows += part.length;
    if (!kills) continue;
    // Somewhere in the middle of it.
    await eventually(
      async () => expect(storedSamples(data.path)).toBeGreaterThan(rows - part.length),
      waitMsMax,
    );
    await collector.kill();
    collector = await start(cluster.brokers, data.path);
  }
  await eventually(
    async () => expect(storedSamples(data.path)).toBeGreaterThanOrEqual(rowsOf(sent)),
    waitMsMax,
  );
  const late = await metric(collector.url, 'windrow_samples_late_total');
  expect(await collector.stop()).toBe(0);
  const windows = finals(await exported(data.path, 'windows'));
  // The four topics of one moment are read in any order.
  const samples = (await exported(data.path, 'samples')).split('\n').toSorted();
  return { windows, samples, late };
}

describe.skipIf(kafkaMissing)('a collector on Kafka', { timeout: testMsMax }, () => {
  it('killed again and again, it ends with the windows and samples of an undisturbed one', async () => {
    const sent = partsFrom(startMs());
    const expected = await outcomeOf(sent, false);
    expect(expected.windows.length).toBeGreaterThan(50);
    expect(expected.late).toBe(0);
    expect(await outcomeOf(sent, true)).toEqual(expected);
  });

  it('two that take over from each other end with the windows of one that was left alone', async () => {
    const sent = partsFrom(startMs());
    const expected = await outcomeOf(sent, false);
    await using cluster = await startBroker();
    using one = tempDir();
    using two = tempDir();
    const folders = [one.path, two.path];
    const running = [
      await start(cluster.brokers, one.path),
      await start(cluster.brokers, two.path),
    ];
    for (const [i, part] of sent.entries()) {
      await write(cluster.brokers, part);
      // In turns: killed while both have a share, or stopped in good order.
      const which = i % 2;
      await eventually(async () => {
        for (const { url } of running) {
          expect(await metric(url, 'windrow_log_slots')).toBe(3);
          expect(await metric(url, 'windrow_log_behind_records')).toBe(0);
        }
      }, waitMsMax);
      if (i === sent.length - 1) break;
      if (i < 2) await running[which]?.kill();
      else await running[which]?.stop();
      running[which] = await start(cluster.brokers, folders[which] ?? '');
    }
    const finalsIn = async (folder: string) => finals(await exported(folder, 'windows'));
    await eventually(
      async () => expect(await finalsIn(one.path)).toEqual(expected.windows),
      waitMsMax,
    );
    await eventually(
      async () => expect(await finalsIn(two.path)).toEqual(expected.windows),
      waitMsMax,
    );
    for (const collector of running) expect(await collector.stop()).toBe(0);
    for (const folder of folders) {
      const rows = (await exported(folder, 'samples')).trim().split('\n').slice(1);
      expect(new Set(rows).size).toBe(rows.length);
    }
  });

  it('takes in what agents write, is ready only then, and refuses what is sent to it directly', async () => {
    await using cluster = await startBroker();
    using data = tempDir();
    using agentData = tempDir();
    using folder = tempDir();
    const file = join(folder.path, 'kafka.yaml');
    writeFileSync(file, `transport: kafka\nbrokers: [${cluster.brokers.join(', ')}]\n`);
    const config = ['--config', file];
    let collector = await startWith(config, data.path);
    const args = [...config, '--server-id', 'pc-1', '--interval', '1s'];
    await using agent = await startAgent({
      to: collector.url,
      args: [...args, '--data', agentData.path],
    });
    await eventually(async () => {
      await expectReady(collector);
      expect(await metric(collector.url, 'windrow_samples_received_total')).toBeGreaterThan(3);
    }, waitMsMax);
    const refused = await fetch(`${collector.url}/v1/batches`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: `{"v":1,"sent_at":${Date.now()}}\n`,
    });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toEqual({
      error: 'this collector takes samples from Kafka, not directly',
    });
    await collector.kill();
    collector = await startWith(config, data.path);
    const before = storedSamples(data.path);
    await eventually(
      async () => expect(storedSamples(data.path)).toBeGreaterThan(before + 3),
      waitMsMax,
    );
    expect(await agent.stop()).toBe(0);
    await eventually(async () => {
      const text = await (await fetch(`${collector.url}/metrics`)).text();
      expect(text).toContain('windrow_servers{state="off"} 1');
    }, waitMsMax);
    expect(await metric(collector.url, 'windrow_samples_duplicate_total')).toBe(0);
    expect(await metric(collector.url, 'windrow_samples_lost_total')).toBe(0);
    expect(await collector.stop()).toBe(0);
    const rows = (await exported(data.path, 'samples')).trim().split('\n').slice(1);
    expect(new Set(rows).size).toBe(rows.length);
  });
});
