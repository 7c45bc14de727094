/** Consumers of the old server-metrics system, on what replay and a running agent write. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Partitioners } from 'kafkajs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually as within, metric } from '../support/http.ts';
import { run, startAgent, startCollector, tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { makeTopics } from './support/topics.ts';

const DATA = fileURLToPath(new URL('../data/', import.meta.url));
const CSV = join(DATA, 'server_metrics.csv');
const topics = ['topic-cpu', 'topic-mem', 'topic-net', 'topic-disk'];
/** Brokers, clients and programs start beside other tests. */
const startMsMax = 60_000;
const testMsMax = 6 * startMsMax;
const timeOfDay = /^\d\d:\d\d:\d\d$/;

interface Heard {
  readonly topic: string;
  readonly key: string;
  readonly partition: number;
  readonly value: string;
}

/** As the old consumer: it knows keys and values of four topics, and nothing else. */
async function listen(brokers: readonly string[]): Promise<readonly Heard[]> {
  const heard: Heard[] = [];
  const consumer = kafkaJs(brokers).consumer({ groupId: 'old-consumer' });
  await consumer.connect();
  onTestFinished(() => consumer.disconnect());
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, partition, message: { key, value } }) =>
      void heard.push({ topic, partition, key: String(key), value: String(value) }),
  });
  return heard;
}

/** Row by row, what the old producer makes of the file, with the time of sending left open. */
function expected(): string[] {
  const [, ...rows] = readFileSync(CSV, 'utf8').trim().split('\n');
  return rows.flatMap((row) => {
    const [ts, server, cpu, mem, netIn, netOut, disk] = row.split(',');
    const common = `"original_ts":"${ts}","server_id":"${server}"`;
    return [
      `topic-cpu {${common},"cpu_pct":${Number(cpu)}}`,
      `topic-mem {${common},"mem_pct":${Number(mem)}}`,
      `topic-net {${common},"net_in":${Number(netIn)},"net_out":${Number(netOut)}}`,
      `topic-disk {${common},"disk_io":${Number(disk)}}`,
    ];
  });
}

function untimed({ topic, value }: Heard): string {
  const match = /^\{"timestamp":"(\d\d:\d\d:\d\d)",(.*)$/.exec(value);
  expect(match, value).not.toBeNull();
  return `${topic} {${match?.[2]}`;
}

describe.skipIf(kafkaMissing)('SEEDS A on Kafka', { timeout: testMsMax }, () => {
  it('what replay writes is, record for record, what the old producer wrote of the file', async () => {
    await using cluster = await startCluster({ settings: { 'auto.create.topics.enable': false } });
    const { brokers } = cluster;
    const verb = ['replay', CSV, '--to', `kafka://${brokers.join(',')}`, '--compat', 'seed-a'];
    const replayed = await run('agent', [...verb, '--speed', 'max']);
    expect(replayed.code).toBe(0);
    const told = replayed.stderr.trim().split('\n');
    expect(told.pop()).toMatch(/: its times of day begin on \d{4}-\d\d-\d\d \(UTC\); --day /);
    expect(told.pop()).toBe(`reached Kafka at ${brokers.join(',')}`);
    const made = told.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect(made).toMatchObject(
      ['windrow-samples', ...topics].map((topic) => ({ msg: 'topic made', topic, replicas: 1 })),
    );
    expect(replayed.stdout).toMatch(/^976 rows sent, 0 malformed\nsource [0-9a-f]{64}\n$/);
    const heard = await listen(brokers);
    await eventually(async () => expect(heard.length).toBeGreaterThanOrEqual(4 * 976));
    expect(heard.map(untimed).sort()).toEqual(expected().sort());
    const metadata = await withAdmin(kafkaJs(brokers), (admin) =>
      admin.fetchTopicMetadata({ topics }),
    );
    const theirs = Partitioners.DefaultPartitioner();
    for (const { topic, key, value, partition } of heard) {
      expect(key).toBe((JSON.parse(value) as { server_id: string }).server_id);
      const found = metadata.topics.find(({ name }) => name === topic);
      const partitionMetadata = found?.partitions ?? [];
      expect(partition).toBe(theirs({ topic, partitionMetadata, message: { key, value } }));
    }
    // A server's rows of one topic are in one partition, in the order of the file.
    const ofOne = heard.filter(({ topic, key }) => topic === 'topic-mem' && key === 'server_3');
    const inFile = expected().filter((text) => /^topic-mem .*"server_3"/.test(text));
    expect(ofOne.map(untimed)).toEqual(inFile);
  });

  it('a running agent writes its samples for them too, and a collector counts each once', async () => {
    await using cluster = await startCluster();
    const { brokers } = cluster;
    const heard = await listenAfterTopics(brokers);
    await using collector = await startCollector({ args: ['--kafka', brokers.join(',')] });
    await using agent = await startAgent({
      to: 'http://127.0.0.1:9',
      args: ['--kafka', brokers.join(','), '--server-id', 'pc-1'],
      env: { WINDROW_COMPAT: 'seed-a' },
    });
    await eventually(async () => {
      for (const topic of topics) expect(heard.some((one) => one.topic === topic)).toBe(true);
    });
    expect(await agent.stop()).toBe(0);
    // All that it has written, which nobody else does.
    const written = await writtenTo(brokers, 'topic-cpu');
    const cpu = await eventually(async () => {
      const ofCpu = heard.filter(({ topic }) => topic === 'topic-cpu');
      expect(ofCpu).toHaveLength(written);
      return ofCpu;
    });
    for (const { key, value } of cpu) {
      expect(key).toBe('pc-1');
      const { timestamp, original_ts, server_id, cpu_pct, ...rest } = JSON.parse(value) as Record<
        string,
        unknown
      >;
      expect([server_id, rest]).toEqual(['pc-1', {}]);
      expect(timestamp).toMatch(timeOfDay);
      expect(original_ts).toMatch(timeOfDay);
      expect(cpu_pct).toBeTypeOf('number');
    }
    await eventually(async () => {
      expect(await metric(collector.url, 'windrow_log_behind_records')).toBe(0);
      const text = await (await fetch(`${collector.url}/metrics`)).text();
      const received = /^windrow_server_samples_received_total\{server="pc-1"\} (\d+)$/m.exec(text);
      expect(Number(received?.[1])).toBeGreaterThanOrEqual(cpu.length);
      // Twice as many and more, had the copies been counted.
      expect(Number(received?.[1])).toBeLessThan(cpu.length + 3);
    });
  });

  it('a replay over Kafka gives the windows of the file', async () => {
    await using cluster = await startCluster();
    using data = tempDir();
    const { brokers } = cluster;
    await using collector = await startCollector({
      dataDir: data.path,
      args: ['--kafka', brokers.join(',')],
    });
    const verb = ['replay', CSV, '--to', `kafka://${brokers.join(',')}`, '--speed', 'max'];
    expect((await run('agent', [...verb, '--compat', 'seed-a'])).code).toBe(0);
    const wanted = rowsOf(readFileSync(join(DATA, 'expected_cpu_mem.csv'), 'utf8'));
    await eventually(async () => {
      const args = ['export', 'windows', '--report', 'cpu-mem', '--data', collector.dataDir];
      const { stdout } = await run('collector', args);
      expect(rowsOf(stdout)).toEqual(wanted);
    });
  });
});

/** A consumer of topics that are not there yet would not see them for minutes. */
async function listenAfterTopics(brokers: readonly string[]): Promise<readonly Heard[]> {
  await makeTopics(kafkaJs(brokers), ...topics.map((topic) => ({ topic, numPartitions: 6 })));
  return listen(brokers);
}

/** How many records. */
async function writtenTo(brokers: readonly string[], topic: string): Promise<number> {
  const offsets = await withAdmin(kafkaJs(brokers), (admin) => admin.fetchTopicOffsets(topic));
  return offsets.reduce((sum, { high }) => sum + Number(high), 0);
}

/** Rows as text and numbers, so that 5.0 equals 5. */
function rowsOf(csv: string): (string | number)[][] {
  return csv
    .trim()
    .split('\n')
    .map((line) =>
      line.split(',').map((cell) => (/^-?\d+(\.\d+)?$/.test(cell) ? Number(cell) : cell)),
    );
}

function eventually<T>(probe: () => Promise<T>): Promise<T> {
  return within(probe, startMsMax);
}
