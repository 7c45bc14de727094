import { describe, expect, it } from 'vitest';
import type { FleetView, ServerView } from '../../collector/api/contract.ts';
import { BATCH_HEADER, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { windowResultSchema, WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import { eventually, getJson } from '../support/http.ts';
import { type RunningCollector, run, startCollector, tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { untilReady } from './support/ready.ts';

const servers = ['pc-a', 'pc-b', 'pc-c', 'pc-d', 'pc-e', 'pc-f', 'pc-g', 'pc-h'];
const seconds = 60;
/** Of each server: windows that end at the slides before the last sample less the lateness are 5 or 6. */
const finalWindowsMin = 5;
/** Everything comes through brokers, to programs on a busy machine. */
const comesMsMax = 60_000;
const testMsMax = 6 * comesMsMax;

/** What is largest on a server, which a sample of it has now and then. */
function processesOf(server_id: string) {
  const largest = { pid: 1, name: `of ${server_id}`, cpu_pct: 50, mem_pct: 2, rss: 4_096 };
  return { count: 9, by_cpu: [largest], by_mem: [largest] };
}

/** The last minute of all servers, a sample a second, each as an agent sends it. */
async function sendMinute(brokers: readonly string[]): Promise<void> {
  const nowMs = Date.now();
  const messages = servers.flatMap((server_id) =>
    Array.from({ length: seconds }, (_, seq) => {
      const ts = nowMs - (seconds - 1 - seq) * 1_000;
      const rare = seq === seconds - 1 ? { processes: processesOf(server_id) } : {};
      return messageOf(server_id, { ts, seq, cpu_pct: seq, ...rare });
    }),
  );
  await send(brokers, messages);
}

function messageOf(server_id: string, fields: object) {
  const value = JSON.stringify({ v: 1, server_id, boot_id: 'boot', ...fields });
  const header = JSON.stringify({ v: 1, sent_at: Date.now(), server_id, boot_id: 'boot' });
  return { key: server_id, value, headers: { [BATCH_HEADER]: header } };
}

type Message = ReturnType<typeof messageOf>;

async function send(brokers: readonly string[], messages: Message[]): Promise<void> {
  const producer = kafkaJs(brokers).producer();
  await producer.connect();
  await producer.send({ topic: SAMPLES_TOPIC, messages });
  await producer.disconnect();
}

interface Result {
  readonly key: string;
  readonly value: string;
}

/**
 * The first windows of each server, in their order, as a program sees them that knows nothing of
 * windrow. Behind them come, half a minute later, those that are not final.
 */
async function firstResultsIn(brokers: readonly string[]): Promise<Result[]> {
  const consumer = kafkaJs(brokers).consumer({ groupId: 'somebody' });
  await consumer.connect();
  await consumer.subscribe({ topic: WINDOW_RESULTS_TOPIC, fromBeginning: true });
  const first = new Map<string, Result[]>();
  const isFull = (results: readonly Result[]): boolean => results.length === finalWindowsMin;
  const { promise, resolve } = Promise.withResolvers<void>();
  await consumer.run({
    eachMessage: async ({ message }) => {
      const [key, value] = [String(message.key), String(message.value)];
      const ofServer = first.get(key) ?? [];
      if (!isFull(ofServer)) first.set(key, [...ofServer, { key, value }]);
      if ([...first.values()].filter(isFull).length === servers.length) resolve();
    },
  });
  await promise;
  await consumer.disconnect();
  return [...first.values()].flat();
}

const fleetOf = ({ url }: RunningCollector) => getJson<FleetView>(`${url}/api/fleet`);

async function exported(dataDir: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('collector', [
    'export',
    'windows',
    '--data',
    dataDir,
    ...args,
  ]);
  expect(stderr).toBe('');
  return stdout;
}

describe.skipIf(kafkaMissing)('two collectors on Kafka', { timeout: testMsMax }, () => {
  it('each show the whole fleet, and lead to each other for what only the other has', async () => {
    await using cluster = await startCluster();
    using one = tempDir();
    using two = tempDir();
    const args = ['--kafka', cluster.brokers.join(',')];
    await using programs = new AsyncDisposableStack();
    const collectors = [
      programs.use(await startCollector({ dataDir: one.path, args })),
      programs.use(await startCollector({ dataDir: two.path, args })),
    ];
    for (const collector of collectors) await untilReady(collector, comesMsMax);
    await sendMinute(cluster.brokers);

    await eventually(async () => {
      for (const collector of collectors) {
        const { servers: shown } = await fleetOf(collector);
        expect(shown.map(({ server_id }) => server_id).sort()).toEqual(servers);
        expect(new Set(shown.map(({ state }) => state))).toEqual(new Set(['up']));
        expect(shown.filter(({ owner }) => owner === null).length).toBeLessThan(servers.length);
      }
      const [mine = [], theirs = []] = (await Promise.all(collectors.map(fleetOf))).map((fleet) =>
        fleet.servers.filter(({ owner }) => owner === null).map(({ server_id }) => server_id),
      );
      expect([...mine, ...theirs].sort()).toEqual(servers);
      for (const collector of collectors) {
        for (const { id, server_id, owner } of (await fleetOf(collector)).servers) {
          const here = await getJson<ServerView>(`${collector.url}/api/servers/${id}`);
          expect(here.sample === null).toBe(owner !== null);
          if (owner === null) continue;
          expect(here.processes).toBeNull();
          expect(owner.url).toBe(collectors.find((other) => other !== collector)?.url);
          const there = await getJson<ServerView>(`${owner.url}/api/servers/${owner.id}`);
          expect(there.summary).toMatchObject({ server_id, owner: null });
          expect(there.sample).toMatchObject({ server_id, seq: seconds - 1 });
          expect(there.processes?.list).toEqual(processesOf(server_id));
        }
      }
    }, comesMsMax);

    // A server that one takes off the lists is off those of the other, and one that says goodbye is off.
    const [first, second] = (await fleetOf(collectors[0]!)).servers;
    const gone = await fetch(`${collectors[0]?.url}/api/servers/${first?.id}`, {
      method: 'DELETE',
    });
    expect(gone.status).toBe(204);
    await send(cluster.brokers, [
      messageOf(second?.server_id ?? '', { kind: 'goodbye', ts: Date.now() }),
    ]);
    await eventually(async () => {
      for (const collector of collectors) {
        const { servers: shown } = await fleetOf(collector);
        expect(shown.map(({ server_id }) => server_id)).not.toContain(first?.server_id);
        const off = shown.filter(({ state }) => state === 'off');
        expect(off.map(({ server_id }) => server_id)).toEqual([second?.server_id]);
      }
    }, comesMsMax);

    // Windows of the fleet are made anew as more servers are heard of, so both may agree on less first.
    await eventually(async () => {
      expect(await exported(two.path)).toBe(await exported(one.path));
      const fleet = await exported(one.path, '--fleet');
      expect(await exported(two.path, '--fleet')).toBe(fleet);
      const rows = fleet.trim().split('\n').slice(1);
      expect(rows.length).toBeGreaterThan(3);
      expect(new Set(rows.map((row) => row.split(',')[2]))).toEqual(new Set([`${servers.length}`]));
    }, 2 * comesMsMax);
  });

  it('write window results that other programs can read, to a compacted topic', async () => {
    await using cluster = await startCluster();
    using data = tempDir();
    const page = 'https://monitor.example.org';
    const args = ['--kafka', cluster.brokers.join(','), '--url', page];
    await using collector = await startCollector({ dataDir: data.path, args });
    await untilReady(collector);
    await sendMinute(cluster.brokers);
    for (const { key, value } of await firstResultsIn(cluster.brokers)) {
      const result = windowResultSchema.parse(JSON.parse(value));
      expect(result).toMatchObject({ server_id: key, final: true, state: 'up' });
      expect(result.owner.url).toBe(page);
    }
    const { resources } = await withAdmin(kafkaJs(cluster.brokers), (admin) =>
      admin.describeConfigs({
        resources: [
          {
            type: 2,
            name: WINDOW_RESULTS_TOPIC,
            configNames: ['cleanup.policy', 'min.compaction.lag.ms'],
          },
        ],
        includeSynonyms: false,
      }),
    );
    const settings = resources[0]?.configEntries.map(({ configValue }) => configValue);
    expect(settings?.sort()).toEqual(['259200000', 'compact']);
  });
});
