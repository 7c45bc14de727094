import { expect, it } from 'vitest';
import { encodeBatch } from '../../wire/records/batch.ts';
import { isLoopback } from './access.ts';
import { type Served, serve } from './testing/served.ts';

const batch = encodeBatch({ header: { v: 1, sent_at: 1 }, records: [] });

async function statuses({ url }: Served, headers: Record<string, string>) {
  const ask = async (path: string, init: RequestInit = {}): Promise<number> => {
    const closing = new AbortController();
    const common = { headers, redirect: 'manual', signal: closing.signal } as const;
    const { status } = await fetch(url + path, { ...common, ...init });
    closing.abort();
    return status;
  };
  const ndjson = { ...headers, 'content-type': 'application/x-ndjson' };
  return {
    page: await ask('/'),
    data: await ask('/api/fleet'),
    events: await ask('/api/events'),
    unknown: await ask('/nothing'),
    metrics: await ask('/metrics'),
    ingest: await ask('/v1/batches', { method: 'POST', body: batch, headers: ndjson }),
    source: await ask('/v1/sources/x'),
    health: await ask('/healthz'),
    ready: await ask('/readyz'),
  };
}

const cookieOf = ({ url }: Served) => `windrow_session_${new URL(url).port}`;

const SHUT = { page: 401, data: 401, events: 401, unknown: 401, metrics: 401 };
const OPEN = { health: 200, ready: 200 };

it('beyond loopback nothing but health is open to everybody', async () => {
  const served = await serve({ guarded: true });
  const nobody = { ...SHUT, ...OPEN, ingest: 401, source: 401 };
  expect(await statuses(served, {})).toEqual(nobody);
  expect(await statuses(served, { authorization: 'Bearer guess' })).toEqual(nobody);
  expect(await statuses(served, { cookie: `${cookieOf(served)}=guess` })).toEqual(nobody);
  expect(served.batches).toEqual([]);
});

it('an agent’s token opens ingest and metrics, and not the page', async () => {
  const served = await serve({ guarded: true });
  const token = served.files.createToken('pc', 0);
  expect(await statuses(served, { authorization: `Bearer ${token}` })).toEqual({
    ...SHUT,
    ...OPEN,
    metrics: 200,
    ingest: 200,
    source: 404,
  });
});

it('a browser’s session opens the page and metrics, and not ingest', async () => {
  const served = await serve({ guarded: true });
  const code = served.files.createLink(served.clock.wallMs());
  const entered = await fetch(`${served.url}/enter?code=${code}`, { redirect: 'manual' });
  expect(entered.status).toBe(303);
  expect(entered.headers.get('location')).toBe('/');
  const cookie = entered.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/; HttpOnly/);
  expect(cookie).toMatch(/; SameSite=Lax/);
  expect(await statuses(served, { cookie: cookie.split(';')[0] ?? '' })).toEqual({
    ...OPEN,
    page: 503,
    data: 200,
    events: 200,
    unknown: 404,
    metrics: 200,
    ingest: 401,
    source: 401,
  });
});

it('collectors of one host leave each other’s session alone: a browser knows no ports', async () => {
  const jar = new Map<string, string>();
  const collectors = [await serve({ guarded: true }), await serve({ guarded: true })];
  for (const { url, files, clock } of collectors) {
    const code = files.createLink(clock.wallMs());
    const entered = await fetch(`${url}/enter?code=${code}`, { redirect: 'manual' });
    const [name = '', value = ''] = entered.headers.get('set-cookie')?.split(/[=;]/) ?? [];
    jar.set(name, value);
  }
  const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') };
  for (const { url } of collectors) {
    expect((await fetch(`${url}/api/fleet`, { headers })).status).toBe(200);
  }
});

it.each([
  ['localhost', 'windrow_session='],
  ['localhost:80', 'windrow_session='],
  ['localhost:007861', 'windrow_session_7861='],
  ['[::1]:7861', 'windrow_session_7861='],
])('of the host that is asked for (%s) a cookie’s name has the port alone', async (host, name) => {
  const { server, files, clock } = await serve({ guarded: true });
  const url = `/enter?code=${files.createLink(clock.wallMs())}`;
  const { statusCode, headers } = await server.inject({ url, headers: { host } });
  expect(statusCode).toBe(303);
  expect(String(headers['set-cookie']).startsWith(name)).toBe(true);
});

it.each(['localhost:1;a=b', 'localhost:x', 'localhost:1/a', 'a@localhost:1', 'localhost:99999'])(
  'what is no host (%j) gets no cookie',
  async (host) => {
    const { server, files, clock } = await serve({ guarded: true });
    const url = `/enter?code=${files.createLink(clock.wallMs())}`;
    const { statusCode, headers } = await server.inject({ url, headers: { host } });
    expect([statusCode, headers['set-cookie']]).toEqual([403, undefined]);
  },
);

it('a one-time code from the data folder lets one request of a command in, and none to ingest', async () => {
  const served = await serve({ guarded: true, decommission: () => Promise.resolve(true) });
  const code = served.files.createLink(served.clock.wallMs());
  const headers = { authorization: `Bearer ${code}` };
  const ndjson = { ...headers, 'content-type': 'application/x-ndjson' };
  const sent = await fetch(`${served.url}/v1/batches`, {
    method: 'POST',
    body: batch,
    headers: ndjson,
  });
  expect(sent.status).toBe(401);
  const remove = (init: RequestInit) =>
    fetch(`${served.url}/api/servers/1`, { method: 'DELETE', ...init }).then(
      ({ status }) => status,
    );
  expect(await remove({ headers: { ...headers, origin: 'http://evil.example' } })).toBe(403);
  expect(await remove({ headers })).toBe(204);
  expect(await remove({ headers })).toBe(401);
  const old = served.files.createLink(served.clock.wallMs());
  served.clock.advance(61 * 60_000);
  expect(await remove({ headers: { authorization: `Bearer ${old}` } })).toBe(401);
});

it.each(['', '?code=', '?code=guess', '?code=a&code=b', '?code[]=x'])(
  'a link that is none (%j) opens nothing and says where to get a good one',
  async (query) => {
    const { url } = await serve({ guarded: true });
    const response = await fetch(`${url}/enter${query}`, { redirect: 'manual' });
    expect(response.status).toBe(401);
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(await response.text()).toContain('token link');
  },
);

const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

it.each([
  ['/', 'open the page by a one-time link: `windrow-collector token link` makes one'],
  ['/nothing', 'open the page by a one-time link'],
  ['/enter?code=guess', 'this link was used already or is too old'],
])('who follows a link to %s without a session reads a page', async (url, words) => {
  const { server } = await serve({ guarded: true });
  for (const told of [{}, { 'sec-fetch-mode': 'navigate' }]) {
    const answer = await server.inject({ url, headers: { accept, ...told } });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    expect(answer.body).toContain(`<p>${words}`);
    expect(answer.body).not.toMatch(/<(script|style|link|img)|style=/);
  }
});

it.each([
  ['GET', '/api/fleet', { accept }],
  ['GET', '/metrics', { accept }],
  ['GET', '/v1/sources/x', { accept }],
  ['GET', '/', { accept: 'application/json' }],
  ['GET', '/', {}],
  ['GET', '/', { accept, 'sec-fetch-mode': 'cors' }],
  ['POST', '/v1/batches', { accept }],
] as const)('what asks otherwise gets JSON: %s %s %j', async (method, url, headers) => {
  const { server } = await serve({ guarded: true });
  const answer = await server.inject({ method, url, headers });
  expect(answer.statusCode).toBe(401);
  expect(answer.json()).toEqual({ error: expect.stringContaining('windrow-collector token') });
});

it('a session that has expired is asked for a new link', async () => {
  const served = await serve({ guarded: true });
  served.files.createLink(0);
  const session = served.files.createSession(served.clock.wallMs());
  const headers = { cookie: `${cookieOf(served)}=${session}` };
  expect((await fetch(`${served.url}/api/fleet`, { headers })).status).toBe(200);
  served.clock.advance(31 * 24 * 3_600_000);
  expect((await fetch(`${served.url}/api/fleet`, { headers })).status).toBe(401);
});

it('what listens on loopback alone is told apart from what does not', () => {
  expect(['localhost', '::1', '127.0.0.1', '127.8.8.8'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil.example', ''].some(isLoopback)).toBe(false);
});
