import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pause } from '../../runtime/lifecycle.ts';
import { kafkaJs, kafkaMissing, withAdmin } from './support/kafka.ts';
import { Proxy, startProxied } from './support/proxy.ts';
import { makeTopics } from './support/topics.ts';

/** A proxy before a server that sends back what it hears. */
async function echo(): Promise<{ proxy: Proxy; open: () => Socket }> {
  const server = createServer((socket) => socket.pipe(socket).on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const proxy = await Proxy.open();
  onTestFinished(async () => {
    await proxy[Symbol.asyncDispose]();
    server.close();
  });
  proxy.leadTo(typeof address === 'object' ? (address?.port ?? 0) : 0);
  const open = (): Socket => connect(proxy.port, '127.0.0.1').on('error', () => {});
  return { proxy, open };
}

async function reply(socket: Socket): Promise<string> {
  return String((await once(socket, 'data'))[0]);
}

describe('the proxy', () => {
  it('passes megabytes unchanged, also late, and the end', async () => {
    const { proxy, open } = await echo();
    proxy.delay(20);
    const socket = open();
    const sent = randomBytes(5 * 1024 * 1024);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.end(sent);
    await once(socket, 'end');
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  });

  it('delays in both directions', async () => {
    const { proxy, open } = await echo();
    proxy.delay(150);
    const socket = open();
    const fromMs = performance.now();
    socket.write('late');
    expect(await reply(socket)).toBe('late');
    // Timers may fire a millisecond early.
    expect(performance.now() - fromMs).toBeGreaterThan(298);
    socket.destroy();
  });

  it('stalled, it keeps connections and passes nothing until it is healed', async () => {
    const { proxy, open } = await echo();
    const socket = open();
    socket.write('one');
    expect(await reply(socket)).toBe('one');
    proxy.stall();
    socket.write('two');
    const answer = reply(socket);
    const first = await Promise.race([answer, pause(200, new AbortController().signal)]);
    expect(first).toBeUndefined();
    expect(socket.destroyed).toBe(false);
    proxy.heal();
    expect(await answer).toBe('two');
    socket.destroy();
  });

  it('cut, it breaks connections and takes none until it is healed', async () => {
    const { proxy, open } = await echo();
    const socket = open();
    socket.write('one');
    expect(await reply(socket)).toBe('one');
    proxy.cut();
    await once(socket, 'close');
    await once(open(), 'close');
    proxy.heal();
    const again = open();
    again.write('two');
    expect(await reply(again)).toBe('two');
    again.destroy();
  });
});

describe.skipIf(kafkaMissing)('a broker behind the proxy', () => {
  it('is reached through it alone: cut, clients fail; healed, they go on', async () => {
    await using proxied = await startProxied({ nodes: 1 });
    const [proxy] = proxied.proxies;
    expect(proxied.cluster.brokers).toEqual([`127.0.0.1:${proxy?.port}`]);
    const oneTry = { retry: { retries: 0 }, connectionTimeout: 30_000 };
    const kafka = kafkaJs(proxied.cluster.brokers, oneTry);
    await makeTopics(kafkaJs(proxied.cluster.brokers), { topic: 'behind' });
    // What the broker tells clients is the proxy's port, so nobody goes around it.
    const { brokers } = await withAdmin(kafka, (admin) => admin.describeCluster());
    expect(brokers).toMatchObject([{ host: '127.0.0.1', port: proxy?.port }]);
    proxy?.cut();
    await expect(withAdmin(kafka, (admin) => admin.listTopics())).rejects.toThrow();
    proxy?.heal();
    expect(await withAdmin(kafka, (admin) => admin.listTopics())).toEqual(['behind']);
  }, 240_000);
});
