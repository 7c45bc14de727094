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

const SHUT = { page: 401, data: 401, events: 401, unknown: 401, metrics: 401 };
const OPEN = { health: 200, ready: 200 };

it('beyond loopback nothing but health is open to everybody', async () => {
  const served = await serve({ guarded: true });
  const nobody = { ...SHUT, ...OPEN, ingest: 401, source: 401 };
  expect(await statuses(served, {})).toEqual(nobody);
  expect(await statuses(served, { authorization: 'Bearer guess' })).toEqual(nobody);
  expect(await statuses(served, { cookie: 'windrow_session=guess' })).toEqual(nobody);
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

it('a session that has expired is asked for a new link', async () => {
  const served = await serve({ guarded: true });
  served.files.createLink(0);
  const session = served.files.createSession(served.clock.wallMs());
  const headers = { cookie: `windrow_session=${session}` };
  expect((await fetch(`${served.url}/api/fleet`, { headers })).status).toBe(200);
  served.clock.advance(31 * 24 * 3_600_000);
  expect((await fetch(`${served.url}/api/fleet`, { headers })).status).toBe(401);
});

it('what listens on loopback alone is told apart from what does not', () => {
  expect(['localhost', '::1', '127.0.0.1', '127.8.8.8'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil.example', ''].some(isLoopback)).toBe(false);
});
