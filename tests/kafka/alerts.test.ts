import type { Producer } from 'kafkajs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startReceiver } from '../../collector/alerts/testing/receiver.ts';
import type { AlertsView, FleetView } from '../../collector/api/contract.ts';
import { ALERTS_TOPIC, decodeAlert } from '../../wire/records/alert-record.ts';
import { rulesFile, SHORT_WINDOWS } from '../support/alerting.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { type RunningCollector, startCollector, tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, recordsIn, startCluster } from './support/kafka.ts';

const servers = ['server_1', 'server_2', 'server_3', 'server_4', 'server_5', 'server_6'];

interface Load {
  cpu: number;
  mem: number;
}

/** What programs of SEEDS A send each second, of these servers. @returns how to end it */
function sendSeedA(producer: Producer, load: Load, of = servers): () => Promise<void> {
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
      messages: of.map((server_id) => ({
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
  readonly fingerprint: string;
}

function toldBy(bodies: readonly string[]): Told[] {
  return bodies.flatMap((body) => {
    const { alerts } = JSON.parse(body) as {
      alerts: (Omit<Told, 'server'> & { labels: { server: string } })[];
    };
    return alerts.map(({ status, startsAt, fingerprint, labels: { server } }) => ({
      status,
      startsAt,
      fingerprint,
      server,
    }));
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

/** @returns starts one on this folder, which tells this receiver, and ends it with the test */
function collectorsOn(brokers: readonly string[], receiverUrl: string) {
  const rules = rulesFile(`
rules:
  - name: hot
    about: CPU and memory are high.
    when: cpu_pct.avg > 90 && mem_pct.avg > 80
    for: 2s
    severity: critical
notifiers:
  hook: { type: webhook, url: '${receiverUrl}' }
`);
  const args = ['--kafka', brokers.join(',')];
  const env = { ...SHORT_WINDOWS, WINDROW_ALERTS: rules };
  return async (dataDir: string): Promise<RunningCollector> => {
    const collector = await startCollector({ args, env, dataDir });
    onTestFinished(() => collector.kill());
    return collector;
  };
}

/** Waits until each of the two has half of the slots. */
async function areShared(collectors: readonly RunningCollector[]): Promise<void> {
  await eventually(async () => {
    for (const { url } of collectors) expect(await metric(url, 'windrow_log_slots')).toBe(3);
  }, 60_000);
}

describe.skipIf(kafkaMissing)('alerts of two collectors on Kafka', () => {
  it('a rule over CPU and memory works for SEEDS A servers, and a kill loses and repeats nothing', async () => {
    await using cluster = await startCluster();
    const receiver = await startReceiver();
    using one = tempDir();
    using two = tempDir();
    const start = collectorsOn(cluster.brokers, receiver.url);
    const [first, second] = [await start(one.path), await start(two.path)];
    await areShared([first, second]);

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
  }, 540_000);

  it('a kill between sending and recording repeats that one, with the same id, and no other', async () => {
    await using cluster = await startCluster();
    const receiver = await startReceiver();
    using one = tempDir();
    using two = tempDir();
    const start = collectorsOn(cluster.brokers, receiver.url);
    const both = [await start(one.path), await start(two.path)];
    await areShared(both);
    const told = () => toldBy(receiver.received.map(({ body }) => body));
    // It has taken what comes, and its sender hears nothing of that.
    receiver.answer(() => {});
    const load: Load = { cpu: 95, mem: 90 };
    const producer = kafkaJs(cluster.brokers).producer({ idempotent: true });
    await producer.connect();
    const endSending = sendSeedA(producer, load, ['server_1']);
    try {
      await eventually(async () => expect(told()).toHaveLength(1), 60_000);
      const owned = await Promise.all(both.map(ownOf));
      const sender = both[owned.findIndex((own) => own.includes('server_1'))];
      await sender?.kill();
      receiver.answer((response) => void response.end('ok'));
      expect(told()).toHaveLength(1);
      expect(await outcomesIn(cluster.brokers)).toEqual(['waiting']);

      // Its session ends, and then so much time passes as its notice might have taken.
      await eventually(async () => expect(told()).toHaveLength(2), 60_000);
      load.cpu = 5;
      await expect(recordedIn(cluster.brokers, 'resolved', ['server_1'])).resolves.toBeDefined();
    } finally {
      await endSending();
      await producer.disconnect();
    }
    const [firing, again, resolved, ...more] = told();
    expect(more).toEqual([]);
    expect(again).toEqual(firing);
    expect(resolved).toEqual({ ...firing, status: 'resolved' });
    const keys = receiver.received.map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  }, 540_000);

  it('one that stood still until another had told what waits there does not tell it, too', async () => {
    await using cluster = await startCluster();
    const receiver = await startReceiver();
    using one = tempDir();
    using two = tempDir();
    const start = collectorsOn(cluster.brokers, receiver.url);
    const both = [await start(one.path), await start(two.path)];
    await areShared(both);
    let isDown = true;
    const taken: string[] = [];
    receiver.answer((response) => {
      if (!isDown) taken.push(receiver.received.at(-1)?.body ?? '');
      response.statusCode = isDown ? 503 : 200;
      response.end();
    });
    const load: Load = { cpu: 95, mem: 90 };
    const producer = kafkaJs(cluster.brokers).producer({ idempotent: true });
    await producer.connect();
    const endSending = sendSeedA(producer, load, ['server_1']);
    try {
      // It is at it, again and again.
      await eventually(async () => expect(receiver.received.length).toBeGreaterThan(1), 60_000);
      const owned = await Promise.all(both.map(ownOf));
      const sender = both[owned.findIndex((own) => own.includes('server_1'))];
      process.kill(sender?.pid ?? 0, 'SIGSTOP');
      isDown = false;
      await eventually(async () => expect(taken).toHaveLength(1), 90_000);
      process.kill(sender?.pid ?? 0, 'SIGCONT');
      // By now it knows whose it is.
      await areShared(both);
      for (const { url } of both) {
        await eventually(async () => {
          expect(await metric(url, 'windrow_notifications_waiting{notifier="hook"}')).toBe(0);
        }, 60_000);
      }
      load.cpu = 5;
      await expect(recordedIn(cluster.brokers, 'resolved', ['server_1'])).resolves.toBeDefined();
    } finally {
      await endSending();
      await producer.disconnect();
    }
    expect(toldBy(taken).map(({ status }) => status)).toEqual(['firing', 'resolved']);
  }, 400_000);
});

/** What became of each notice of the alerts, by the newest record of each in the topic. */
async function outcomesIn(brokers: readonly string[]): Promise<(string | undefined)[]> {
  const newest = new Map<string, readonly (string | undefined)[]>();
  for (const { key, value } of await recordsIn(brokers, ALERTS_TOPIC)) {
    const decoded = decodeAlert({ key: key ?? undefined, value: value ?? undefined });
    if (decoded.kind !== 'alert') throw new Error(JSON.stringify(decoded));
    const { notices } = decoded.record;
    newest.set(
      String(key),
      notices.map(({ outcomes }) => outcomes['hook']),
    );
  }
  return [...newest.values()].flat();
}

/** Servers whose newest record in the topic is of this step and says that all was told. */
async function recordedIn(
  brokers: readonly string[],
  kind: 'firing' | 'resolved',
  of = servers,
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
      if (recorded.size === of.length) resolve();
    },
  });
  await promise;
  await consumer.disconnect();
  return [...recorded].sort();
}
