import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { selfSigned } from '../../../runtime/testing/certificates.ts';
import { answering, portOf } from '../../../runtime/testing/loopback.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { type DirectClientOptions, DirectClient } from './client.ts';

const batch = { header: { v: 1, sent_at: 1 }, records: [] } as const;
const never = new AbortController().signal;

function client(url: string, options: Partial<DirectClientOptions> = {}): DirectClient {
  const made = new DirectClient({ url, ...options });
  onTestFinished(() => made.close());
  return made;
}

function send(url: string, options: Partial<DirectClientOptions> = {}) {
  return client(url, options).send(batch, never);
}

const ack = JSON.stringify({ stored: 0, duplicates: 0, quarantined: 0, now: 1 });

it('the token travels in its header, and without one there is no such header', async () => {
  const seen: (string | undefined)[] = [];
  const url = await answering((request, response) => {
    seen.push(request.headers.authorization);
    response.end(ack);
  });
  await send(url, { token: 'secret' });
  await send(url);
  expect(seen).toEqual(['Bearer secret', undefined]);
});

it('one connection serves many batches', async () => {
  let connections = 0;
  const server = http.createServer((_, response) => response.end(ack));
  server.on('connection', () => (connections += 1));
  const sender = client(`http://127.0.0.1:${await portOf(server)}`);
  for (let i = 0; i < 5; i += 1) await sender.send(batch, never);
  expect(connections).toBe(1);
});

it('nobody listening is worth another try, and says what to do', async () => {
  const server = http.createServer();
  const port = await portOf(server);
  await new Promise((resolve) => server.close(resolve));
  await expect(send(`http://127.0.0.1:${port}`)).rejects.toMatchObject({
    code: 'unreachable',
    retryable: true,
    message: expect.stringContaining(`cannot reach http://127.0.0.1:${port}`),
    hint: expect.stringContaining('--to'),
  });
});

it.each([
  [200, '<html>hello</html>'],
  [200, '{"status":"ok"}'],
  [200, ''],
  [204, ''],
  [301, ''],
  [404, '{"error":"no such page"}'],
  [405, ''],
  [502, '<html>bad gateway</html>'],
])(
  'another program on that port (%i %s) costs no samples: the batch is kept',
  async (status, body) => {
    const url = await answering((_, response) => response.writeHead(status).end(body));
    await expect(send(url)).rejects.toMatchObject({
      name: 'WindrowError',
      retryable: true,
      hint: expect.stringContaining('--to'),
    });
  },
);

it.each([
  [400, 'refused', false],
  [401, 'unauthorized', true],
  [403, 'refused', true],
  [413, 'refused', false],
  [415, 'refused', false],
  [429, 'overloaded', true],
  [503, 'store_unavailable', true],
] as const)('a collector’s %i is %s, to be repeated: %s', async (status, code, retryable) => {
  const url = await answering((_, response) => {
    response.writeHead(status).end('{"error":"the reason"}');
  });
  await expect(send(url)).rejects.toMatchObject({
    code,
    retryable,
    message: `${url} answered ${status}: the reason`,
    hint: expect.any(String),
  });
});

it('a collector on Kafka costs none either, and the flags that name brokers are said', async () => {
  const url = await answering((_, response) => response.writeHead(409).end());
  await expect(send(url)).rejects.toMatchObject({
    code: 'refused',
    retryable: true,
    hint: expect.stringMatching(/replay with --to kafka:\/\/host:port.*--kafka/),
  });
});

it('an older collector costs no samples, and it is said that it is to be updated', async () => {
  const url = await answering((_, response) => response.writeHead(426).end());
  await expect(send(url)).rejects.toMatchObject({
    retryable: true,
    hint: expect.stringContaining('update the collector'),
  });
});

it.each([
  ['2', 2_000],
  ['86400', 60_000],
  ['-5', undefined],
  ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
])('retry-after %j makes the agent wait a bounded time (%j ms)', async (value, expected) => {
  const url = await answering((_, response) => {
    response.writeHead(503, { 'retry-after': value }).end();
  });
  await expect(send(url)).rejects.toMatchObject({ retryAfterMs: expected });
});

it('an answer without end is cut off', async () => {
  const url = await answering((_, response) => {
    const timer = setInterval(() => response.write('x'.repeat(16 * 1024)), 1);
    response.on('close', () => clearInterval(timer));
  });
  await expect(send(url)).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('answer of more than'),
  });
});

it('an answer that breaks off is not taken for one', async () => {
  const url = await answering((_, response) => {
    response.writeHead(200, { 'content-length': 1_000 });
    response.write(ack, () => response.destroy());
  });
  await expect(send(url)).rejects.toMatchObject({ code: 'unreachable', retryable: true });
});

it.each(['before it is sent', 'before its answer', 'within its answer'])(
  'a request that is aborted %s ends at once, and its connection with it',
  async (when) => {
    const ended = new AbortController();
    const closed = Promise.withResolvers<void>();
    const url = await answering((_, response) => {
      response.on('close', () => closed.resolve());
      if (when === 'within its answer') response.writeHead(200).write('{');
      setImmediate(() => ended.abort());
    });
    if (when === 'before it is sent') ended.abort();
    const sent = client(url).send(batch, ended.signal);
    await expect(sent).rejects.toMatchObject({ code: 'aborted' });
    if (when !== 'before it is sent') await closed.promise;
  },
);

it('no listener stays behind on a signal that outlives the requests', async () => {
  const url = await answering((_, response) => response.end(ack));
  const sender = client(url);
  const { signal } = new AbortController();
  for (let i = 0; i < 3; i += 1) await sender.send(batch, signal);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

it.each([100, 20_000])('a batch of %i random digits arrives as it was sent', async (digits) => {
  const line = JSON.stringify({ value: randomBytes(digits / 2).toString('hex') });
  const seen: string[] = [];
  const url = await answering((request, response) => {
    void text(request.pipe(createGunzip())).then((body) => {
      seen.push(body);
      response.end(ack);
    });
  });
  await client(url).send({ ...batch, records: [{ line }] }, never);
  expect(seen).toEqual([`{"v":1,"sent_at":1}\n${line}\n`]);
});

const loopbacks = Object.values(networkInterfaces()).flatMap((of = []) => of);
const hasIpv6 = loopbacks.some(({ address }) => address === '::1');

it.skipIf(!hasIpv6)('an address of IPv6 is reached and named in brackets', async () => {
  const hosts: (string | undefined)[] = [];
  const server = http.createServer((request, response) => {
    hosts.push(request.headers.host);
    response.end(ack);
  });
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await send(`http://[::1]:${port}`);
  expect(hosts).toEqual([`[::1]:${port}`]);
});

it('trusting a CA does not get in the way of an address without TLS', async () => {
  const url = await answering((_, response) => response.end(ack));
  expect((await send(url, { ca: 'not even PEM' })).now).toBe(1);
});

it('a certificate that nobody vouches for, and one for another name, say what to do', async () => {
  const folder = temporaryFolder();
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '2'];
  const files = ['-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=other.example'];
  execFileSync('openssl', ['req', '-x509', ...key, ...files], { cwd: folder, stdio: 'pipe' });
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const cert = read('cert.pem');
  const server = https.createServer({ cert, key: read('key.pem') });
  const url = `https://127.0.0.1:${await portOf(server)}`;
  await expect(send(url)).rejects.toMatchObject({
    code: 'unreachable',
    hint: expect.stringContaining('tls_ca_file'),
  });
  await expect(send(url, { ca: cert })).rejects.toMatchObject({
    code: 'unreachable',
    hint: expect.stringContaining('--to'),
  });
});

it.each([
  ['not yet valid', [1, 2], /clock is behind.*NTP.* renew the certificate there/],
  ['expired', [-2, -1], /renew it there.* clock is ahead.*NTP/],
] as const)(
  'a certificate that is %s may be for a wrong clock here',
  async (what, [from, until], hint) => {
    const { cert, key } = selfSigned(from, until);
    const url = `https://127.0.0.1:${await portOf(https.createServer({ cert, key }))}`;
    await expect(send(url, { ca: cert })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining(what) as string,
      hint: expect.stringMatching(hint) as string,
    });
  },
);
