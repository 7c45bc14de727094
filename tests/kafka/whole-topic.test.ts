/** Producers of SEEDS B send without keys: what one machine says is spread over all partitions. */
import type { Message } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import type { FleetView } from '../../collector/api/contract.ts';
import { SEED_B_TOPIC } from '../../wire/compat/seed-b.ts';
import { windowResultSchema, WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { type RunningCollector, run, startCollector, tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, startCluster } from './support/kafka.ts';
import { makeTopics } from './support/topics.ts';

const partitions = 4;
const machines = ['machine_1', 'machine_2', 'machine_3'];
const everyMs = 2_000;
const windowMs = 30_000;
const slideMs = 10_000;
/** Six minutes ago, where windows begin: four of them wait in the log, two come later. */
const originMs = Math.floor((Date.now() - 360_000) / slideMs) * slideMs;
const [laterMs, endMs] = [originMs + 240_000, originMs + 350_000];
const readyMsMax = 90_000;

function messageOf(machine_id: string, ts: number): Message {
  const i = (ts - originMs) / everyMs;
  const value = {
    machine_id,
    timestamp: ts / 1_000,
    cpu_usage: 20,
    memory_usage: 40,
    disk_io: { read: i * 100, write: 0 },
    network_io: { sent: i * 1_000, recv: i * 2_000 },
  };
  return { value: JSON.stringify(value), timestamp: String(ts) };
}

function measured(fromMs: number, toMs: number): Message[] {
  return Array.from({ length: (toMs - fromMs) / everyMs }, (_, i) =>
    machines.map((machine) => messageOf(machine, fromMs + i * everyMs)),
  ).flat();
}

/** As the old producers do: no key, so the client takes the partitions in turn. */
async function write(brokers: readonly string[], messages: readonly Message[]): Promise<void> {
  const producer = kafkaJs(brokers).producer();
  await producer.connect();
  for (const message of messages) {
    await producer.send({ topic: SEED_B_TOPIC, messages: [message] });
  }
  await producer.disconnect();
}

const COLUMNS = ['server_id', 'window_start', 'samples', 'net_in_count', 'net_in_avg'];

/** Final windows without those that begin with the first reading of counters, or before. */
async function windowsIn(dataDir: string): Promise<string[]> {
  const { stdout, stderr } = await run('collector', ['export', 'windows', '--data', dataDir]);
  expect(stderr).toBe('');
  const [head = [], ...rows] = stdout
    .trim()
    .split('\n')
    .map((row) => row.split(','));
  const of = (row: readonly string[], name: string): string => row[head.indexOf(name)] ?? '';
  return rows
    .filter((row) => of(row, 'final') === '1' && Date.parse(of(row, 'window_start')) > originMs)
    .map((row) => COLUMNS.map((name) => of(row, name)).join(' '))
    .toSorted();
}

/** Each machine's windows with all that was measured in them. */
function wholeWindows(): string[] {
  // The last sample is no later than what may still come.
  const count = (endMs - originMs - windowMs) / slideMs - 1;
  const samples = windowMs / everyMs;
  return machines.flatMap((machine) =>
    Array.from({ length: count }, (_, i) => {
      const start = new Date(originMs + (i + 1) * slideMs).toISOString();
      return `${machine} ${start} ${samples} ${samples} 1000`;
    }),
  );
}

async function slotsIn(brokers: readonly string[]): Promise<Set<number | null>> {
  const consumer = kafkaJs(brokers).consumer({ groupId: 'somebody' });
  await consumer.connect();
  await consumer.subscribe({ topic: WINDOW_RESULTS_TOPIC, fromBeginning: true });
  const slots = new Set<number | null>();
  const seen = new Set<string>();
  const { promise, resolve } = Promise.withResolvers<void>();
  await consumer.run({
    eachMessage: async ({ message }) => {
      slots.add(windowResultSchema.parse(JSON.parse(String(message.value))).slot);
      seen.add(String(message.key));
      if (seen.size === machines.length) resolve();
    },
  });
  await promise;
  await consumer.disconnect();
  return slots;
}

const fleetOf = ({ url }: RunningCollector) => getJson<FleetView>(`${url}/api/fleet`);

describe.skipIf(kafkaMissing)('records without keys, and two collectors', () => {
  it('one collector has all of a machine, its windows are those of a single collector, and the other one takes over', async () => {
    await using cluster = await startCluster({ settings: { 'auto.create.topics.enable': false } });
    const seedB = { topic: SEED_B_TOPIC, numPartitions: partitions };
    await makeTopics(kafkaJs(cluster.brokers), seedB);
    await write(cluster.brokers, measured(originMs, laterMs));
    using one = tempDir();
    using two = tempDir();
    const args = ['--kafka', cluster.brokers.join(',')];
    await using programs = new AsyncDisposableStack();
    const collectors = [
      programs.use(await startCollector({ dataDir: one.path, args })),
      programs.use(await startCollector({ dataDir: two.path, args })),
    ];
    const own = await eventually(async () => {
      for (const { url } of collectors) {
        expect(await metric(url, 'windrow_log_slots')).toBe(3);
        expect(await metric(url, 'windrow_log_behind_records')).toBe(0);
      }
      const fleets = await Promise.all(collectors.map(fleetOf));
      for (const { servers } of fleets) {
        expect(servers.map(({ server_id }) => server_id).sort()).toEqual(machines);
      }
      const ofEach = fleets.map(({ servers }) => servers.filter(({ owner }) => owner === null));
      expect(new Set(ofEach.map(({ length }) => length))).toEqual(new Set([0, machines.length]));
      return ofEach;
    }, readyMsMax);
    expect(await slotsIn(cluster.brokers)).toEqual(new Set([0]));
    const owner = own[0]?.length === 0 ? 1 : 0;
    const [had, takes] = [collectors[owner], collectors[1 - owner]];
    if (had === undefined || takes === undefined) throw new Error('there are two');
    const links = (await fleetOf(takes)).servers.map((server) => server.owner?.url);
    expect(links).toEqual(machines.map(() => had.url));
    await had.kill();
    await write(cluster.brokers, measured(laterMs, endMs));
    const folder = owner === 0 ? two.path : one.path;
    await eventually(async () => {
      const { servers } = await fleetOf(takes);
      expect(servers.map((server) => server.owner)).toEqual(machines.map(() => null));
      expect(await windowsIn(folder)).toEqual(wholeWindows());
    }, readyMsMax);
    expect(await metric(takes.url, 'windrow_samples_late_total')).toBe(0);
    expect(await takes.stop()).toBe(0);
  }, 600_000);
});
