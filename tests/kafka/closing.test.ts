/** What was opened ends in bounded time, though the brokers answer nothing any more. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, it, onTestFinished } from 'vitest';
import { leavingMsMax } from '../../collector/cluster/consume.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { closeMsMax } from '../../wire/transport/kafka/client.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { follow, join } from '../contract/log-scene.ts';
import { eventually } from '../support/http.ts';
import { kafkaMissing } from './support/kafka.ts';
import { startProxied } from './support/proxy.ts';

const never = new AbortController().signal;
const topic = 'numbers';
/** For timers that fire late on a machine that is busy. Whoever waits for an answer waits for ten seconds. */
const lateMsMax = 5_000;
/** More than all buffers on the way to a broker that reads nothing: it stays in the client's own. */
const heldBytes = 24 * 1024 * 1024;
/** Of the protocol's Produce. */
const produceKey = 0;

async function tookMs(work: Promise<unknown>): Promise<number> {
  const fromMs = performance.now();
  await work;
  return performance.now() - fromMs;
}

/** Resolves when the next request to write records goes out, as the library tells it. */
async function producing(): Promise<void> {
  const channel = 'tracing:plt:kafka:connections:api:start';
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen = (request: unknown): void => {
    if ((request as { apiKey: number }).apiKey === produceKey) resolve();
  };
  subscribe(channel, seen);
  await promise;
  unsubscribe(channel, seen);
}

it.skipIf(kafkaMissing)('a stalled network keeps no producer, member or reader open', async () => {
  await using net = await startProxied({ nodes: 1 });
  const settings = { clientId: 'test', tls: undefined, sasl: undefined };
  const log = createKafkaLog({ ...settings, brokers: net.cluster.brokers }, createKeptLog().log);
  const admin = log.admin();
  await admin.ensure([{ name: topic, partitions: 1, replicas: undefined, settings: {} }], never);
  const producer = log.producer();
  onTestFinished(() => producer.close());
  const send = (value: Buffer | string) =>
    producer.send([{ topic, key: 'k', value, partition: 0 }], never);
  await send('0');
  const member = join(log, { group: 'readers', member: 'one', topics: [topic] });
  const followed = follow(log, topic, []);
  await eventually(async () => {
    expect(member.taken).toHaveLength(1);
    expect(followed.seen).toEqual(['0', '(caught up)']);
  }, 60_000);

  for (const proxy of net.proxies) proxy.stall();
  const underWay = producing();
  const failed = expect(send(Buffer.alloc(heldBytes))).rejects.toThrow();
  await underWay;
  expect(await tookMs(producer.close())).toBeLessThan(closeMsMax + lateMsMax);
  // Nothing is left of its connection.
  expect(await tookMs(failed)).toBeLessThan(lateMsMax);
  expect(await tookMs(member.stop())).toBeLessThan(leavingMsMax + lateMsMax);
  expect(await tookMs(followed.stop())).toBeLessThan(closeMsMax + lateMsMax);
  const looking = admin.partitions([topic], never).catch(() => {});
  expect(await tookMs(admin.close())).toBeLessThan(closeMsMax + lateMsMax);
  await looking;
});
