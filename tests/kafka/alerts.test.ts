import type { Producer } from 'kafkajs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startReceiver } from '../../collector/alerts/testing/receiver.ts';
import type { AlertsView, FleetView } from '../../collector/api/contract.ts';
import { ALERTS_TOPIC, decodeAlert } from '../../wire/records/alert-record.ts';
import { rulesFile, SHORT_WINDOWS } from '../support/alerting.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { type RunningCollector, startCollector, tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, startCluster } from './support/kafka.ts';

const servers = ['server_1', 'server_2', 'server_3', 'server_4', 'server_5', 'server_6'];

interface Load {
  cpu: number;
  mem: number;
}

/** What programs of SEEDS A send each second, of all servers. @returns how to end it */
function sendSeedA(producer: Producer, load: Load): () => Promise<void> {
  let sent: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    const time = new Date().toISOString().slice(11, 19);
    const values = {
      'topic-cpu': { cpu_pct: load.cpu },
      'topic-mem': { mem_pct: load.mem },
      'topic-net': { net_in: 1, net_out: 1 },
      'topic-disk': { disk_io: 1 },
    };
    const topicMessages = Object.entries(values).map(([topic, value]) => ({
      topic,
      messages: servers.map((server_id) => ({
        key: server_id,
        value: JSON.stringify({ timestamp: time, original_ts: time, server_id, ...value }),
      })),
    }));
    sent = sent.then(() => producer.sendBatch({ topicMessages }));
  }, 1_000);
  return async () => {
    clearInterval(timer);
    await sent;
  };
}

interface Told {
  readonly status: string;
  readonly server: string;
  readonly startsAt: string;
}

function toldBy(bodies: readonly string[]): Told[] {
  return bodies.flatMap((body) => {
    const { alerts } = JSON.parse(body) as {
      alerts: { status: string; startsAt: string; labels: { server: string } }[];
    };
    return alerts.map(({ status, startsAt, labels: { server } }) => ({ status, startsAt, server }));
  });
}

async function firingOn({ url }: RunningCollector): Promise<string[]> {
  const { active } = await getJson<AlertsView>(`${url}/api/alerts`);
  return active
    .filter(({ state }) => state === 'firing')
    .map(({ server }) => server)
    .sort();
}

/** Servers whose samples come to this collector. */
async function ownOf({ url }: RunningCollector): Promise<string[]> {
  const { servers: all } = await getJson<FleetView>(`${url}/api/fleet`);
  return all.filter(({ owner }) => owner === null).map(({ server_id: id }) => id);
}

describe.skipIf(kafkaMissing)('alerts of two collectors on Kafka', () => {
  it('a rule over CPU and memory works for SEEDS A servers, and a kill loses and repeats nothing', async () => {
    await using cluster = await startCluster();
    const receiver = await startReceiver();
    const rules = rulesFile(`
rules:
  - name: hot
    about: CPU and memory are high.
    when: cpu_pct.avg > 90 && mem_pct.avg > 80
    for: 2s
    severity: critical
notifiers:
  hook: { type: webhook, url: '${receiver.url}' }
`);
    using one = tempDir();
    using two = tempDir();
    const options = {
      args: ['--kafka', cluster.brokers.join(',')],
      env: { ...SHORT_WINDOWS, WINDROW_ALERTS: rules },
    };
    const start = async (dataDir: string): Promise<RunningCollector> => {
      const collector = await startCollector({ ...options, dataDir });
      onTestFinished(() => collector.kill());
      return collector;
    };
    const [first, second] = [await start(one.path), await start(two.path)];
    await eventually(async () => {
      for (const { url } of [first, second]) expect(await metric(url, 'windrow_log_slots')).toBe(3);
    }, 60_000);

    const load: Load = { cpu: 95, mem: 50 };
    const producer = kafkaJs(cluster.brokers).producer({ idempotent: true });
    await producer.connect();
    const endSending = sendSeedA(producer, load);
    try {
      await eventually(async () => {
        expect((await ownOf(first)).length).toBeGreaterThan(0);
        expect((await ownOf(second)).length).toBeGreaterThan(0);
        expect([...(await ownOf(first)), ...(await ownOf(second))].sort()).toEqual(servers);
      }, 60_000);
      load.mem = 90;
      const told = () => toldBy(receiver.received.map(({ body }) => body));
      await eventually(async () => {
        expect(await firingOn(first)).toEqual(servers);
        expect(await firingOn(second)).toEqual(servers);
        expect(told()).toHaveLength(servers.length);
      }, 60_000);
      // Killed between sending and recording, it would leave what it sent to be told again.
      await expect(recordedIn(cluster.brokers, 'firing')).resolves.toEqual(servers);

      await second.kill();
      await eventually(async () => expect(await ownOf(first)).toHaveLength(servers.length), 60_000);
      load.cpu = 5;
      await eventually(async () => {
        expect(told()).toHaveLength(2 * servers.length);
        expect(await firingOn(first)).toEqual([]);
      }, 60_000);
      for (const status of ['firing', 'resolved']) {
        const those = told().filter((each) => each.status === status);
        expect(those.map(({ server }) => server).sort()).toEqual(servers);
      }
      // A firing and its resolve are of one alert.
      expect(new Set(told().map(({ server, startsAt }) => `${server} ${startsAt}`)).size).toBe(
        servers.length,
      );
      // Back again, it sends nothing of what was told without it.
      const again = await start(two.path);
      await eventually(async () => {
        expect(await metric(again.url, 'windrow_log_slots')).toBe(3);
        expect(await firingOn(again)).toEqual([]);
      }, 60_000);
      expect(told()).toHaveLength(2 * servers.length);
    } finally {
      await endSending();
      await producer.disconnect();
    }
    await expect(recordedIn(cluster.brokers, 'resolved')).resolves.toEqual(servers);
  }, 300_000);
});

/** Servers whose newest record in the topic is of this step and says that all was told. */
async function recordedIn(
  brokers: readonly string[],
  kind: 'firing' | 'resolved',
): Promise<string[]> {
  const consumer = kafkaJs(brokers).consumer({ groupId: `reads-${kind}` });
  await consumer.connect();
  await consumer.subscribe({ topic: ALERTS_TOPIC, fromBeginning: true });
  const recorded = new Set<string>();
  const { promise, resolve } = Promise.withResolvers<void>();
  await consumer.run({
    eachMessage: async ({ message: { key, value } }) => {
      const decoded = decodeAlert({ key: key ?? undefined, value: value ?? undefined });
      if (decoded.kind !== 'alert') throw new Error(JSON.stringify(decoded));
      const { server, kind: newest, notices } = decoded.record;
      const isSent = notices.every(({ outcomes }) => outcomes['hook'] === 'sent');
      if (newest === kind && isSent) recorded.add(server);
      else recorded.delete(server);
      if (recorded.size === servers.length) resolve();
    },
  });
  await promise;
  await consumer.disconnect();
  return [...recorded].sort();
}
