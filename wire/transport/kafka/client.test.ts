import type { Socket } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { KafkaAdmin } from './admin.ts';
import { KafkaClient } from './client.ts';
import type { KafkaSettings } from './connection.ts';
import { findCoordinator } from './coordinator.ts';
import { kafkaError } from './errors.ts';
import { KafkaProducer } from './producer.ts';
import { askingWho, listening } from './testing/login-broker.ts';

const settings: KafkaSettings = {
  brokers: ['127.0.0.1:9'],
  clientId: 'test',
  tls: undefined,
  sasl: undefined,
};
const attempt = { what: 'it fails' };

it('a broker that others told of and is not there is named, with what to do', async () => {
  const client = await KafkaClient.open(settings, { requestMsMax: 1_000 });
  onTestFinished(() => client.close());
  const error: unknown = await client.call('Heartbeat', 7).catch((thrown: unknown) => thrown);
  expect(kafkaError(error, attempt)).toMatchObject({
    message: 'it fails: broker 7 is not there',
    hint: expect.stringContaining('Start it') as string,
  });
});

it('a group without coordinator is named, with the setting that mostly mends it', async () => {
  const client = { call: async () => ({ coordinators: [] }) } as unknown as KafkaClient;
  const error: unknown = await findCoordinator(client, 'g').catch((thrown: unknown) => thrown);
  expect(kafkaError(error, attempt)).toMatchObject({
    message: 'it fails: group g has no coordinator',
    hint: expect.stringContaining('offsets.topic.replication.factor') as string,
  });
});

it('who asks and who writes name the flag of the verb where nobody is there', async () => {
  const { log } = createKeptLog();
  const given = { ...settings, brokersFlag: '--from' } as const;
  const [admin, producer] = [new KafkaAdmin(given, log), new KafkaProducer(given, log)];
  onTestFinished(async () => void (await Promise.all([admin.close(), producer.close()])));
  const never = new AbortController().signal;
  const told = {
    message: expect.stringMatching(/: no broker answers there$/) as string,
    hint: expect.stringContaining(' in --from (brokers). Asked: 127.0.0.1:9.') as string,
  };
  await expect(admin.partitions(['t'], never)).rejects.toMatchObject(told);
  const record = { topic: 't', key: 'k', value: 'v' };
  await expect(producer.send([record], never)).rejects.toMatchObject(told);
});

it('a topic that was made and gets no leaders is told with what to do', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const made = new Map([['t', { id: 'id', partitionsCount: 1, partitions: [{ leader: -1 }] }]]);
  let isMade = false;
  const client = {
    metadata: async () => ({ brokers: new Map(), topics: isMade ? made : new Map() }),
    call: async () => void (isMade = true),
    close: async () => {},
  };
  const opening = vi.spyOn(KafkaClient, 'open').mockResolvedValue(client as never);
  onTestFinished(() => {
    vi.useRealTimers();
    opening.mockRestore();
  });
  const spec = { name: 't', partitions: 1, replicas: 1, settings: {} };
  const ensuring = new KafkaAdmin(settings, createKeptLog().log).ensure(
    [spec],
    new AbortController().signal,
  );
  const told = expect(ensuring).rejects.toMatchObject({
    message: 'topic t was made, but has no leaders yet',
    hint: expect.stringContaining('kafka-topics.sh --describe') as string,
  });
  await vi.advanceTimersByTimeAsync(11_000);
  await told;
});

it('a connection that broke while its login was good does not end the next one when that login would have ended', async () => {
  // The library takes the one for the other.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const [goodMs, requestMsMax] = [10_000, 1_000];
  const sockets: Socket[] = [];
  const server = askingWho((_, socket) => (sockets.push(socket) === 1 ? goodMs : 0));
  const brokers = [await listening(server)];
  const sasl = { mechanism: 'PLAIN', username: 'me', password: () => 'secret' } as const;
  const client = await KafkaClient.open({ ...settings, brokers, sasl }, { requestMsMax });
  onTestFinished(() => client.close());
  // That broker knows no topics: what counts is that it is asked.
  const ask = () => client.metadata([]).catch(() => {});
  await ask();
  sockets[0]?.destroy();
  while (sockets.length < 2) await ask();
  await vi.advanceTimersByTimeAsync(goodMs);
  await vi.advanceTimersByTimeAsync(requestMsMax);
  await ask();
  expect(sockets).toHaveLength(2);
});
