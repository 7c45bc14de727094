/** The broker of the topic `alerts` answers nothing any more, as behind a cable pulled out; the other goes on. */
import { expect, it } from 'vitest';
import { startReceiver } from '../../collector/alerts/testing/receiver.ts';
import type { AlertsView } from '../../collector/api/contract.ts';
import { unpublishedToldMs } from '../../collector/cluster/alerts/unpublished-notices.ts';
import { SEED_A_TOPICS } from '../../wire/compat/seed-a-format.ts';
import { SEED_B_TOPIC } from '../../wire/compat/seed-b.ts';
import { type AlertRecordOnWire, ALERTS_TOPIC } from '../../wire/records/alert-record.ts';
import { INVENTORY_TOPIC, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import { rulesFile, SHORT_WINDOWS } from '../support/alerting.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { startCollector } from '../support/programs.ts';
import { coordinatorOf } from './support/coordinator.ts';
import { kafkaJs, kafkaMissing, recordsIn, withAdmin } from './support/kafka.ts';
import { startProxied } from './support/proxy.ts';
import { untilReady } from './support/ready.ts';

/** Brokers, programs and alerts begin on a busy machine. */
const readyMsMax = 60_000;
/** A notice waits for its record so long, and a record for a broker that answers again. */
const toldMsMax = unpublishedToldMs + readyMsMax;

/** Where the collector reads and is a member, and where it tells of alerts. */
async function createTopics(brokers: readonly string[], node: { here: number; alerts: number }) {
  const alike = [SAMPLES_TOPIC, INVENTORY_TOPIC, ...SEED_A_TOPICS, SEED_B_TOPIC];
  const on = (id: number) => [{ partition: 0, replicas: [id] }];
  const compacted = [{ name: 'cleanup.policy', value: 'compact' }];
  const shared = { configEntries: compacted };
  await withAdmin(kafkaJs(brokers), (admin) =>
    admin.createTopics({
      topics: [
        ...alike.map((topic) => ({ topic, replicaAssignment: on(node.here) })),
        { ...shared, topic: WINDOW_RESULTS_TOPIC, replicaAssignment: on(node.here) },
        { ...shared, topic: ALERTS_TOPIC, replicaAssignment: on(node.alerts) },
      ],
      // The collector waits for them; kafkajs gives up where a broker has not heard of one yet.
      waitForLeaders: false,
    }),
  );
}

/** Two samples a second of one server, with that much CPU by then. To be ended before its broker. */
async function sendSamples(
  broker: string,
  load: { readonly cpu: number },
): Promise<AsyncDisposable> {
  const producer = kafkaJs([broker]).producer();
  await producer.connect();
  let seq = 0;
  let sent: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    const about = { v: 1, server_id: 'pc', boot_id: 'boot' };
    const value = JSON.stringify({ ...about, ts: Date.now(), seq, cpu_pct: load.cpu });
    seq += 1;
    const messages = [{ key: 'pc', value }];
    sent = sent.then(() => producer.send({ topic: SAMPLES_TOPIC, messages }));
  }, 500);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await sent;
      await producer.disconnect();
    },
  };
}

it.skipIf(kafkaMissing)(
  'a notice whose record it does not take is told all the same, 25 s after it was judged, and once',
  async () => {
    await using net = await startProxied({ nodes: 2 });
    const { brokers } = net.cluster;
    const here = await eventually(() => coordinatorOf('windrow', brokers), readyMsMax);
    const broker = brokers[here - 1] ?? '';
    await createTopics(brokers, { here, alerts: 3 - here });
    const receiver = await startReceiver();
    const rules = rulesFile(`
rules:
  - { name: hot, about: CPU is high., when: cpu_pct.avg > 90, for: 1s, severity: critical }
notifiers:
  hook: { type: webhook, url: '${receiver.url}' }
`);
    const env = { ...SHORT_WINDOWS, WINDROW_ALERTS: rules };
    await using collector = await startCollector({ args: ['--kafka', broker], env });
    const { url } = collector;
    await untilReady(collector);
    const load = { cpu: 5 };
    await using _ = await sendSamples(broker, load);
    await eventually(async () => {
      expect(await metric(url, 'windrow_samples_received_total')).toBeGreaterThan(4);
    }, readyMsMax);

    const silent = net.proxies[3 - here - 1];
    silent?.stall();
    load.cpu = 99;
    const firedAtMs = await eventually(async () => {
      const { active } = await getJson<AlertsView>(`${url}/api/alerts`);
      expect(active.map(({ state }) => state)).toEqual(['firing']);
      return active[0]?.fired_at ?? 0;
    }, readyMsMax);
    const told = () => receiver.received.map(({ body }) => JSON.parse(body) as { status: string });
    await eventually(async () => expect(told()).toMatchObject([{ status: 'firing' }]), toldMsMax);
    // It fires as of the end of a window, which is judged a moment later.
    expect(Date.now() - firedAtMs).toBeGreaterThan(unpublishedToldMs);

    silent?.heal();
    await eventually(async () => {
      const newest = (await recordsIn(brokers, ALERTS_TOPIC)).at(-1)?.value;
      const { notices } = JSON.parse(String(newest)) as AlertRecordOnWire;
      expect(notices).toMatchObject([{ status: 'firing', outcomes: { hook: 'sent' } }]);
    }, toldMsMax);
    expect(told()).toHaveLength(1);
  },
  400_000,
);
