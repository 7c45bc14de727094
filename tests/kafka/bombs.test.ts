/** Small batches that unpack to very much, packed in each way that Kafka knows. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { IntakeView } from '../../collector/api/contract.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { run, startCollector } from '../support/programs.ts';
import { bombReason, packings, sendBomb } from './support/bomb.ts';
import { kafkaJs, kafkaMissing, startCluster } from './support/kafka.ts';
import { makeTopics } from './support/topics.ts';

const MiB = 1024 * 1024;
const topic = SAMPLES_TOPIC;
const topicBytesMax = 20 * MiB;
const bombBytes = 200 * MiB;
/** What may be packed or unpacked at one time, and what the collector does meanwhile. */
const grownBytesMax = 120 * MiB;
const readyMsMax = 90_000;

/** The most that it ever had. */
function highestBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

describe.skipIf(kafkaMissing)('a collector', () => {
  it('passes bombs of every packing by, tells where they are, and needs no memory for them', async () => {
    await using cluster = await startCluster({ settings: { 'auto.create.topics.enable': false } });
    const { brokers } = cluster;
    await makeTopics(kafkaJs(brokers), {
      topic,
      numPartitions: 1,
      configEntries: [{ name: 'max.message.bytes', value: `${topicBytesMax}` }],
    });
    const producer = kafkaJs(brokers).producer();
    await producer.connect();
    await using _ = { [Symbol.asyncDispose]: () => producer.disconnect() };
    let sent = 0;
    const sendSample = async (): Promise<void> => {
      const sample = { v: 1, server_id: 'pc', ts: Date.now(), boot_id: 'boot', seq: sent };
      await producer.send({ topic, messages: [{ key: 'pc', value: JSON.stringify(sample) }] });
      sent += 1;
    };
    await sendSample();
    await using collector = await startCollector({ args: ['--kafka', brokers.join(',')] });
    const allCame = (): Promise<void> =>
      eventually(async () => {
        expect(await metric(collector.url, 'windrow_samples_received_total')).toBe(sent);
      }, readyMsMax);
    await allCame();
    const before = highestBytes(collector.pid);
    for (const packing of packings) {
      await sendBomb(brokers, { topic, partition: 0, packing, bytes: bombBytes });
      await sendSample();
      await allCame();
    }
    expect(highestBytes(collector.pid) - before).toBeLessThan(grownBytesMax);
    expect(await metric(collector.url, 'windrow_records_quarantined_total')).toBe(
      2 * packings.length,
    );
    // Each bomb between two samples.
    const places = packings.map((_each, i) => `kafka ${topic}/0@${3 * i + 1}-${3 * i + 2}`);
    await eventually(async () => {
      const { quarantine } = await getJson<IntakeView>(`${collector.url}/api/intake`);
      expect(quarantine.kept).toBe(packings.length);
      expect(quarantine.newest.map(({ from, reason }) => [from, reason])).toEqual(
        places.map((place) => [place, bombReason]).reverse(),
      );
    }, readyMsMax);
    const args = ['export', 'quarantine', '--format', 'json', '--data', collector.dataDir];
    const { stdout } = await run('collector', args);
    const rows = JSON.parse(stdout) as { from: string }[];
    expect(rows.map(({ from }) => from)).toEqual(places);
  }, 540_000);
});
