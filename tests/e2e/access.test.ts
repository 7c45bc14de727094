import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run, startCollector, tempDir } from '../support/programs.ts';
import { clientOf, sendSamples } from '../support/send.ts';

const BEYOND = ['--listen', '0.0.0.0'];
const sample = { server_id: 'pc', ts: Date.now(), seq: 0, cpu_pct: 1 };

/** 0.0.0.0 is reached through loopback, so that the test stays on this machine. */
function local(url: string): string {
  return `http://127.0.0.1:${new URL(url).port}`;
}

function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .on('error', reject);
  });
}

it('beyond loopback an agent needs the token that `token create` printed', async () => {
  using data = tempDir();
  await using collector = await startCollector({ dataDir: data.path, args: BEYOND });
  const url = local(collector.url);
  await expect(sendSamples(clientOf(url), [sample])).rejects.toMatchObject({
    code: 'unauthorized',
  });

  const created = await run('collector', ['token', 'create', '--data', data.path]);
  const command =
    /echo (\S+) > windrow.token\) && (?:npx windrow-agent|\.\/windrow-agent-linux-x64) run --to (\S+) --token-file/.exec(
      created.stdout,
    );
  expect(command?.[2]).toBe(collector.url);
  const token = command?.[1] ?? '';
  expect((await sendSamples(clientOf(url, token), [sample])).stored).toBe(1);
  await expect(sendSamples(clientOf(url, `${token}x`), [sample])).rejects.toMatchObject({
    code: 'unauthorized',
  });

  const tokenFile = join(data.path, 'token');
  writeFileSync(tokenFile, `${token}\n`);
  const doctor = await run('agent', ['doctor', '--to', url, '--token-file', tokenFile]);
  expect(doctor.stdout).toMatch(/^OK {4}token {5}accepted$/m);
  expect(doctor.code).toBe(0);
});

it('beyond loopback the page opens by a one-time link alone, once', async () => {
  await using collector = await startCollector({ args: BEYOND });
  const url = local(collector.url);
  for (const path of ['/', '/api/fleet', '/api/events', '/metrics']) {
    expect(await statusOf(url + path, {}), path).toBe(401);
  }
  expect(await statusOf(`${url}/healthz`, {})).toBe(200);
  const entry = `${url}${new URL(collector.entryUrl ?? '').pathname}${new URL(collector.entryUrl ?? '').search}`;
  const entered = await fetch(entry, { redirect: 'manual' });
  expect(entered.status).toBe(303);
  const cookie = entered.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/HttpOnly/);
  expect(cookie).toMatch(/SameSite=Lax/);
  const session = { cookie: cookie.split(';')[0] ?? '' };
  const guess = { cookie: `${session.cookie.split('=')[0] ?? ''}=guess` };
  expect(await statusOf(`${url}/api/fleet`, session)).toBe(200);
  expect(await statusOf(`${url}/metrics`, session)).toBe(200);
  expect(await statusOf(`${url}/api/fleet`, guess)).toBe(401);
  expect((await fetch(entry, { redirect: 'manual' })).status).toBe(401);
});

it('a session outlives a restart of the collector', async () => {
  using data = tempDir();
  const first = await startCollector({ dataDir: data.path, args: BEYOND });
  const link = new URL(first.entryUrl ?? '');
  const entered = await fetch(local(first.url) + link.pathname + link.search, {
    redirect: 'manual',
  });
  const cookie = entered.headers.get('set-cookie')?.split(';')[0] ?? '';
  await first.stop();
  const port = Number(new URL(first.url).port);
  await using second = await startCollector({ dataDir: data.path, args: BEYOND, port });
  expect(await statusOf(`${local(second.url)}/api/fleet`, { cookie })).toBe(200);
});

it('a web page of another origin, or a name that is not ours, reaches nothing', async () => {
  await using collector = await startCollector();
  const { port } = new URL(collector.url);
  const url = `http://127.0.0.1:${port}/api/fleet`;
  expect(await statusOf(url, { host: `localhost:${port}` })).toBe(200);
  expect(await statusOf(url, { host: `evil.example:${port}` })).toBe(403);
  expect(await statusOf(url, { host: 'a/b' })).toBe(403);
  expect(await statusOf(url, { host: `localhost:${port}`, origin: 'http://evil.example' })).toBe(
    403,
  );
  expect(
    await statusOf(url, { host: `localhost:${port}`, origin: `http://localhost:${port}` }),
  ).toBe(200);
});

it('on loopback ingest takes what a browser cannot send: another content type is refused', async () => {
  await using collector = await startCollector();
  const response = await fetch(`${collector.url}/v1/batches`, { method: 'POST', body: '{}' });
  expect(response.status).toBe(415);
});
