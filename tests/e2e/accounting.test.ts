import { expect, it } from 'vitest';
import type { FleetView, ServerView } from '../../collector/api/contract.ts';
import { eventually, getJson } from '../support/http.ts';
import { makeCertificates } from '../support/certificates.ts';
import { run, startCollector, tempDir } from '../support/programs.ts';
import { clientOf, sendSamples, steadySamples } from '../support/send.ts';

/** 0.0.0.0 is reached through loopback, so that the test stays on this machine. */
function local(url: string): string {
  return `http://127.0.0.1:${new URL(url).port}`;
}

async function namesOn(url: string): Promise<string[]> {
  const { servers } = await getJson<FleetView>(`${url}/api/fleet`);
  return servers.map(({ server_id }) => server_id).sort();
}

function metricsOf(url: string): Promise<string[]> {
  return fetch(`${url}/metrics`).then(async (response) => (await response.text()).split('\n'));
}

const second = (count: number) => Date.now() - count * 1_000;

it('newest first, a backlog of two boots behind, a drop, a kill -9: the books are right on /api and /metrics', async () => {
  using data = tempDir();
  await using first = await startCollector({ dataDir: data.path });
  const client = clientOf(first.url);
  const made = (boot_id: string, seqs: readonly [number, number]) => {
    const [from, to] = seqs;
    const samples = steadySamples('pc', second(4_000 - from), to - from, from);
    return samples.map((sample) => Object.assign(sample, { boot_id }));
  };
  const pendingFrom = { pending_from_ms: second(4_000) };
  await sendSamples(client, made('new', [1_000, 1_011]), {
    ...pendingFrom,
    oldest_outstanding_seq: 0,
    waiting: 1_020,
  });
  const backlog = { ...pendingFrom, sent_by: 'new' };
  await sendSamples(client, made('old', [5, 20]), {
    ...backlog,
    oldest_outstanding_seq: 5,
    dropped: 5,
  });
  await sendSamples(client, made('new', [0, 1_000]), { ...pendingFrom, oldest_outstanding_seq: 0 });
  await first.kill();

  await using next = await startCollector({ dataDir: data.path });
  const again = clientOf(next.url);
  await sendSamples(again, made('new', [990, 1_000]), { oldest_outstanding_seq: 990 });
  await sendSamples(again, made('new', [1_013, 1_014]), { oldest_outstanding_seq: 1_013 });
  const { delivery } = await getJson<ServerView>(`${next.url}/api/servers/1`);
  expect(delivery).toMatchObject({ received: 1_027, late: 0, duplicates: 10, lost: 5 + 2 });
  expect(delivery.boot).toMatchObject({ id: 'new', started_ms: expect.any(Number) });
  expect(delivery.conflict).toBeNull();
  const lines = await metricsOf(next.url);
  for (const line of [
    'windrow_server_samples_received_total{server="pc"} 1027',
    'windrow_server_samples_late_total{server="pc"} 0',
    'windrow_server_samples_duplicate_total{server="pc"} 10',
    'windrow_server_samples_lost_total{server="pc"} 7',
    'windrow_server_up{server="pc"} 1',
    'windrow_server_identity_conflict{server="pc"} 0',
    `windrow_server_boot_timestamp_seconds{server="pc"} ${(delivery.boot?.started_ms ?? 0) / 1_000}`,
    'windrow_servers{state="up"} 1',
  ]) {
    expect(lines).toContain(line);
  }
  const list = await run('collector', ['server', 'list', '--data', data.path]);
  expect(list.stdout).toMatch(/^pc +up +\d{4}-\S+Z +1027 +0 +10 +7$/m);
});

it('two agents under one name are told, with where they are; a clock far off is a state of its own', async () => {
  await using collector = await startCollector();
  const client = clientOf(collector.url);
  for (const [seq, boot_id] of ['a', 'b', 'a', 'b', 'a'].entries()) {
    await sendSamples(client, [{ server_id: 'twin', ts: Date.now(), seq, boot_id }]);
  }
  await sendSamples(client, [{ server_id: 'off', ts: Date.now(), seq: 0 }], {
    sent_at: Date.now() - 3_600_000,
  });
  const { delivery } = await getJson<ServerView>(`${collector.url}/api/servers/1`);
  const senders = delivery.conflict?.senders ?? [];
  expect(senders.map(({ boot_id }) => boot_id).sort()).toEqual(['a', 'b']);
  for (const { remote } of senders) expect(remote).toMatch(/^(127\.0\.0\.1|::1|::ffff:127)/);
  const lines = await metricsOf(collector.url);
  expect(lines).toContain('windrow_server_identity_conflict{server="twin"} 1');
  expect(lines).toContain('windrow_server_identity_conflict{server="off"} 0');
  expect(lines).toContain('windrow_servers{state="skewed"} 1');
  expect(lines).toContain('windrow_servers{state="up"} 1');
});

it('`server rm` with the collector running: off the lists at once and after a restart, until it sends again', async () => {
  using data = tempDir();
  await using collector = await startCollector({ dataDir: data.path });
  const client = clientOf(collector.url);
  await sendSamples(client, steadySamples('node-1', second(20), 20));
  await sendSamples(client, steadySamples('node-2', second(20), 20));
  const removed = await run('collector', ['server', 'rm', 'node-1', '--data', data.path]);
  expect(removed).toMatchObject({ code: 0, stdout: expect.stringContaining('node-1 is decomm') });
  expect(removed.stderr).toContain('stop its agent');
  expect(await namesOn(collector.url)).toEqual(['node-2']);
  const lines = await metricsOf(collector.url);
  expect(lines).toContain('windrow_servers{state="decommissioned"} 1');
  expect(lines.filter((line) => line.includes('"node-1"'))).toEqual([]);
  const list = await run('collector', ['server', 'list', '--data', data.path]);
  expect(list.stdout).toMatch(/^node-1 +decommissioned /m);
  const exported = await run('collector', ['export', 'samples', '--data', data.path]);
  expect(exported.stdout.match(/node-1/g)).toHaveLength(20);
  await collector.stop();

  await using next = await startCollector({ dataDir: data.path });
  expect(await namesOn(next.url)).toEqual(['node-2']);
  await sendSamples(clientOf(next.url), [{ server_id: 'node-1', ts: Date.now(), seq: 20 }]);
  await eventually(async () => expect(await namesOn(next.url)).toEqual(['node-1', 'node-2']));
});

it('`server rm` on a collector that asks who comes: the data folder lets it in, and nobody else', async () => {
  using data = tempDir();
  await using collector = await startCollector({
    dataDir: data.path,
    args: ['--listen', '0.0.0.0'],
  });
  const url = local(collector.url);
  const created = await run('collector', ['token', 'create', '--data', data.path]);
  const token = /echo (\S+) > windrow.token/.exec(created.stdout)?.[1] ?? '';
  await sendSamples(clientOf(url, token), steadySamples('pc', second(20), 20));
  const remove = (headers: Record<string, string>) =>
    fetch(`${url}/api/servers/1`, { method: 'DELETE', headers }).then(({ status }) => status);
  expect(await remove({})).toBe(401);
  // An agent's token is for sending alone.
  expect(await remove({ authorization: `Bearer ${token}` })).toBe(401);
  expect(await remove({ origin: 'http://evil.example' })).toBe(403);
  const removed = await run('collector', ['server', 'rm', 'pc', '--data', data.path]);
  expect(removed).toMatchObject({ code: 0 });
  const list = await run('collector', ['server', 'list', '--data', data.path]);
  expect(list.stdout).toMatch(/^pc +decommissioned /m);
});

it('`server rm` over TLS trusts the certificate that the collector noted, whatever names it has', async () => {
  using folder = tempDir();
  const { cert, key } = makeCertificates(folder.path);
  const env = { WINDROW_TLS_CERT_FILE: cert, WINDROW_TLS_KEY_FILE: key };
  using data = tempDir();
  const plain = await startCollector({ dataDir: data.path });
  await sendSamples(clientOf(plain.url), steadySamples('pc', second(20), 20));
  await plain.stop();
  await using collector = await startCollector({
    dataDir: data.path,
    env,
    args: ['--listen', '0.0.0.0'],
  });
  expect(collector.url).toMatch(/^https:/);
  const removed = await run('collector', ['server', 'rm', 'pc', '--data', data.path]);
  expect(removed).toMatchObject({ code: 0, stderr: expect.stringContaining('stop its agent') });
  const list = await run('collector', ['server', 'list', '--data', data.path]);
  expect(list.stdout).toMatch(/^pc +decommissioned /m);
});

it('`server rm` without a collector works on the store; a name that is not there is answered with the nearest', async () => {
  using data = tempDir();
  await using collector = await startCollector({ dataDir: data.path });
  await sendSamples(clientOf(collector.url), steadySamples('node-1', second(20), 20));
  await sendSamples(clientOf(collector.url), steadySamples('web', second(20), 20));
  // Its note of itself stays behind, and its process is gone.
  await collector.kill();
  const wrong = await run('collector', ['server', 'rm', 'nod-1', '--data', data.path]);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toBe(
    'windrow-collector: no server is named "nod-1"\n  The nearest names: node-1, web.\n',
  );
  expect(await run('collector', ['server', 'rm', 'node-1', '--data', data.path])).toMatchObject({
    code: 0,
  });
  await using next = await startCollector({ dataDir: data.path });
  expect(await namesOn(next.url)).toEqual(['web']);
  const nowhere = await run('collector', ['server', 'list', '--data', `${data.path}/none`]);
  expect(nowhere.code).toBe(1);
  expect(nowhere.stderr).toContain('--data');
});
