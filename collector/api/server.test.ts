import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { bodyBytesMax, bodyDecodedBytesMax } from '../../wire/limits.ts';
import { encodeBatch } from '../../wire/records/batch.ts';
import { serve } from './testing/served.ts';

const batch = encodeBatch({ header: { v: 1, sent_at: 1 }, records: [{ value: { v: 1 } }] });

function post(url: string, body: Uint8Array | string, headers: Record<string, string> = {}) {
  const all = { 'content-type': 'application/x-ndjson', ...headers };
  return fetch(`${url}/v1/batches`, { method: 'POST', body, headers: all });
}

/** fetch sets Host itself, so what a hostile page would send goes through node:http. */
function statusFor(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const request = http.get(url, { headers, agent: false }, (response) => {
    response.resume();
    resolve(response.statusCode);
  });
  request.on('error', reject);
  return promise;
}

it('a body that is too large as it is sent is refused before it is read', async () => {
  const { url, batches } = await serve();
  const response = await post(url, new Uint8Array(bodyBytesMax + 1));
  expect(response.status).toBe(413);
  expect(await response.json()).toEqual({ error: expect.stringContaining('too large') });
  expect(batches).toEqual([]);
  expect((await post(url, batch)).status).toBe(200);
});

async function* fourMiB() {
  for (let i = 0; i < 64; i += 1) yield new Uint8Array(64 * 1024);
}

it('a body that says nothing of its length is bounded too', async () => {
  const { url, batches } = await serve();
  const sending = fetch(`${url}/v1/batches`, {
    method: 'POST',
    body: ReadableStream.from(fourMiB()),
    headers: { 'content-type': 'application/x-ndjson' },
    duplex: 'half',
  });
  const status = await sending.then(
    (response) => response.status,
    () => 'cut off',
  );
  expect([413, 'cut off']).toContain(status);
  expect(batches).toEqual([]);
});

it('a small body that swells is refused while it grows: memory stays bounded', async () => {
  const { url, batches } = await serve();
  const bomb = gzipSync(Buffer.alloc(256 * 2 ** 20));
  expect(bomb.length).toBeLessThan(bodyBytesMax);
  const before = process.memoryUsage().rss;
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => post(url, bomb, { 'content-encoding': 'gzip' })),
  );
  for (const answer of answers) expect(answer.status).toBe(400);
  expect(await answers[0]?.json()).toEqual({
    error: `batch larger than ${bodyDecodedBytesMax} bytes once decompressed`,
  });
  // All of it would be 2 GiB.
  expect(process.memoryUsage().rss - before).toBeLessThan(400 * 2 ** 20);
  expect(batches).toEqual([]);
});

it.each([
  ['that is not gzip', 'not gzip at all', 'gzip', 'body is not gzip'],
  ['cut short', gzipSync(batch).subarray(0, 20), 'gzip', 'body is not gzip'],
  ['of an unknown encoding', 'x', 'br', 'content-encoding is neither gzip nor none'],
  ['without a header line', '{"value":1}\n', 'identity', 'batch header v: '],
  ['of no version', '{"v":0,"sent_at":1}\n', 'identity', 'batch header v: '],
  ['that is empty', '\n', 'identity', 'batch header'],
])('a body %s is refused with its reason', async (_, body, encoding, error) => {
  const { url, batches } = await serve();
  const response = await post(url, body, { 'content-encoding': encoding });
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({ error: expect.stringContaining(error) });
  expect(batches).toEqual([]);
});

it('a body of a newer wire is for its sender to keep until the collector is a newer one', async () => {
  const { url, batches } = await serve();
  const response = await post(url, '{"v":2,"sent":"otherwise"}\n', {});
  expect(response.status).toBe(426);
  expect(await response.json()).toEqual({
    error: 'a batch of version 2 of the wire, this program knows 1: update it',
  });
  expect(batches).toEqual([]);
});

it('large bodies, which are inflated in the pool, arrive as they were sent', async () => {
  const { url, batches } = await serve();
  const records = Array.from({ length: 1_000 }, (_, i) => ({
    value: { i, xs: [Math.random(), Math.random()] },
  }));
  const body = gzipSync(encodeBatch({ header: { v: 1, sent_at: 1 }, records }));
  expect(body.length).toBeGreaterThan(16 * 1024);
  expect((await post(url, body, { 'content-encoding': 'gzip' })).status).toBe(200);
  expect(batches[0]?.records.map(({ value }) => value)).toEqual(records.map(({ value }) => value));
});

it.each(['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'image/png'])(
  'what a browser can send across origins (%s) is no batch',
  async (type) => {
    const { url, batches } = await serve();
    expect((await post(url, '{}', { 'content-type': type })).status).toBe(415);
    expect(batches).toEqual([]);
  },
);

it('one address that asks too often is told to wait, and may go on after that', async () => {
  const { url } = await serve({ requestsPerSecond: 5 });
  const statuses = await Promise.all(
    Array.from({ length: 8 }, async () => (await post(url, batch)).status),
  );
  expect(statuses.filter((status) => status === 200)).toHaveLength(5);
  const refused = await post(url, batch);
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
});

it('a store that cannot take a batch is 503 with a time to wait; a fault of ours tells nothing', async () => {
  let failure: Error = new WindrowError('store_unavailable', 'disk full', { retryable: true });
  const { url, lines } = await serve({
    receive: () => Promise.reject(failure),
  });
  const unavailable = await post(url, batch);
  expect(unavailable.status).toBe(503);
  expect(unavailable.headers.get('retry-after')).toBe('1');
  expect(await unavailable.json()).toEqual({ error: 'disk full' });

  failure = new Error('secret of the inside');
  const broken = await post(url, batch);
  expect(broken.status).toBe(500);
  expect(await broken.json()).toEqual({ error: 'internal error' });
  expect(lines).toMatchObject([{ msg: 'request failed', error: 'secret of the inside' }]);
});

it('only names of this machine are served: another name that leads here is somebody’s trick', async () => {
  const { url } = await serve({ hosts: ['Metrics.Example'] });
  const { port } = new URL(url);
  const served = [`127.0.0.1:${port}`, 'localhost', '[::1]:1', `${hostname()}:${port}`];
  for (const host of [...served, 'metrics.example', 'METRICS.example:80']) {
    expect(await statusFor(`${url}/api/fleet`, { host }), host).toBe(200);
  }
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    'a@localhost',
    'localhost/x',
    'x y',
  ]) {
    expect(await statusFor(`${url}/api/fleet`, { host }), host).not.toBe(200);
  }
});

it('a page of another origin gets no answer, and none of its posts is taken', async () => {
  const { url, batches } = await serve();
  const evil = { origin: 'http://evil.example' };
  expect((await fetch(`${url}/api/fleet`, { headers: evil })).status).toBe(403);
  expect((await post(url, batch, evil)).status).toBe(403);
  expect((await post(url, batch, { origin: 'null' })).status).toBe(403);
  expect(await statusFor(`${url}/api/fleet`, { origin: url })).toBe(200);
  expect(batches).toEqual([]);
});

it('every answer forbids the page to load or run anything from elsewhere', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  writeFileSync(join(folder, 'assets', 'page.js'), '');
  const { url } = await serve({ pageFolder: folder });
  for (const path of ['/', '/assets/page.js', '/api/fleet', '/metrics', '/nothing']) {
    const response = await fetch(url + path);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy, path).toContain("default-src 'none'");
    expect(policy, path).not.toMatch(/unsafe|\*|https?:/);
    expect(response.headers.get('x-content-type-options'), path).toBe('nosniff');
    expect(response.headers.get('referrer-policy'), path).toBe('no-referrer');
  }
});

it('files beside the page’s folder are out of reach', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'page'));
  writeFileSync(join(folder, 'page', 'index.html'), 'page');
  writeFileSync(join(folder, 'secret'), 'out of reach');
  const { server } = await serve({ pageFolder: join(folder, 'page') });
  for (const path of ['/../secret', '/%2e%2e/secret', '/..%2fsecret', '/assets/../../secret']) {
    const response = await server.inject({ url: path, headers: { host: 'localhost' } });
    expect(response.statusCode, path).toBeGreaterThanOrEqual(400);
    expect(response.body).not.toContain('out of reach');
  }
});

it('without the page’s bundle the answer says how to make it', async () => {
  const { url } = await serve();
  const response = await fetch(url);
  expect(response.status).toBe(503);
  expect(await response.text()).toContain('npm run build');
});

it('unknown paths, servers and ranges are the asker’s mistake', async () => {
  const { url } = await serve();
  const status = async (path: string) => (await fetch(url + path)).status;
  expect(await status('/nothing')).toBe(404);
  expect(await status('/api/servers/1')).toBe(404);
  expect(await status('/api/servers/abc/series?minutes=5')).toBe(404);
  expect(await status('/api/fleet/series?minutes=6')).toBe(400);
  expect(await status('/api/fleet/series')).toBe(400);
  expect(await status('/v1/sources/unknown')).toBe(404);
  expect(await status(`/v1/sources/${'x'.repeat(300)}`)).toBeGreaterThanOrEqual(400);
});

it('a server is decommissioned by its number; one that is not there, and a store that fails, are told', async () => {
  const asked: number[] = [];
  let failure: Error | undefined;
  const { url, lines } = await serve({
    decommission: async (id) => {
      asked.push(id);
      if (failure !== undefined) throw failure;
      return id === 7;
    },
  });
  const remove = async (path: string) => {
    const response = await fetch(`${url}/api/servers/${path}`, { method: 'DELETE' });
    return [response.status, response.status === 204 ? '' : await response.json()];
  };
  expect(await remove('7')).toEqual([204, '']);
  expect(await remove('8')).toEqual([404, { error: 'no such server' }]);
  expect(await remove('x')).toEqual([404, { error: 'no such server' }]);
  expect(asked).toEqual([7, 8, Number.NaN]);
  failure = new WindrowError('store_unavailable', 'disk full', { retryable: true });
  expect(await remove('7')).toEqual([503, { error: 'disk full' }]);
  failure = new Error('secret of the inside');
  expect(await remove('7')).toEqual([500, { error: 'internal error' }]);
  expect(lines).toHaveLength(1);
});

it('health is always told; readiness says why while the store fails', async () => {
  let failure: string | undefined;
  const { url } = await serve({ failure: () => failure });
  const ask = async (path: string) => {
    const response = await fetch(url + path);
    return [response.status, await response.json()];
  };
  expect(await ask('/readyz')).toEqual([200, { status: 'ready' }]);
  failure = 'cannot store: database or disk is full';
  expect(await ask('/readyz')).toEqual([503, { status: 'not ready', error: failure }]);
  expect(await ask('/healthz')).toEqual([200, { status: 'ok', now: expect.any(Number) }]);
});
