/** Brokers that take connections and answer nothing, and those that go away: what people are told. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { KafkaAdmin } from './admin.ts';
import { kafkaChecks } from './checks.ts';
import type { KafkaSettings } from './connection.ts';
import { KafkaReader } from './reader.ts';

const requestMsMax = 10_000;
const nothing = { topics: [] };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Does `onRequest` with each connection that asks for something, until the test ends. */
async function broker(onRequest: (socket: Socket) => void) {
  const server = createServer();
  const sockets = new Set<Socket>();
  const asked = Promise.withResolvers<void>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket
      .on('error', () => {})
      .on('data', () => {
        onRequest(socket);
        asked.resolve();
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings: KafkaSettings = {
    brokers: [address],
    clientId: 'test',
    tls: undefined,
    sasl: undefined,
  };
  return { server, address, settings, asked: asked.promise };
}

it('doctor: a login without an answer is told with what to do, and the address', async () => {
  const { settings, address, asked } = await broker(() => {});
  const login = kafkaChecks(settings, nothing, nothing).find(({ name }) => name === 'login');
  const failed = expect(login?.run()).rejects.toMatchObject({
    message: 'no login: the broker does not answer',
    hint: expect.stringMatching(new RegExp(`firewall.*frozen.* Asked: ${address}\\.$`)),
  });
  await asked;
  await vi.advanceTimersByTimeAsync(requestMsMax);
  await failed;
});

it('a topic that cannot be looked up for want of an answer is told so, too', async () => {
  const { settings, address, asked } = await broker(() => {});
  const admin = new KafkaAdmin(settings, createKeptLog().log);
  onTestFinished(() => admin.close());
  const failed = expect(
    admin.partitions(['t'], new AbortController().signal),
  ).rejects.toMatchObject({
    message: 'topic t cannot be looked up: the broker does not answer',
    hint: expect.stringMatching(new RegExp(`firewall.*frozen.* Asked: ${address}\\.$`)),
  });
  await asked;
  await vi.advanceTimersByTimeAsync(requestMsMax);
  await failed;
});

it('a broker that ends is told in one line, as one that is not there', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  let triesLeft = 2;
  const { server, settings } = await broker((socket) => {
    triesLeft -= 1;
    if (triesLeft === 0) server.close();
    socket.destroy();
  });
  const { log, lines } = createKeptLog();
  const reader = new KafkaReader(settings, 't', log);
  const stopping = new AbortController();
  const handlers = { take: async () => {}, caughtUp: () => {} };
  const reading = reader.follow([], handlers, stopping.signal);
  onTestFinished(() => stopping.abort());
  await vi.waitFor(() => expect(lines).not.toEqual([]));
  stopping.abort();
  await reading;
  expect(triesLeft).toBe(0);
  expect(lines.map(({ msg }) => msg)).toEqual(['t cannot be read: no broker answers there']);
});
