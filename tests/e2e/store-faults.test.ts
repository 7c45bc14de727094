/** What happens to samples when the collector cannot store: nothing, they wait. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { writeFileDurably } from '../../runtime/durable-file.ts';
import { eventually, metric } from '../support/http.ts';
import {
  type RunningCollector,
  run,
  startAgent,
  startCollector,
  tempDir,
} from '../support/programs.ts';
import { clientOf, type MadeSample, sendSamples, steadySamples } from '../support/send.ts';
import { mayMount, smallDisk } from '../support/small-disk.ts';

const unavailable = { code: 'store_unavailable', retryable: true };

async function readiness({ url }: RunningCollector): Promise<[number, string | undefined]> {
  const response = await fetch(`${url}/readyz`);
  const { error } = (await response.json()) as { error?: string };
  return [response.status, error];
}

function database({ dataDir }: RunningCollector): string {
  return join(dataDir, 'collector', 'windrow.db');
}

/** How often each sample of a server is in the store, by its number. */
function stored(collector: RunningCollector, serverId: string): Map<number, number> {
  const db = new DatabaseSync(database(collector), { readOnly: true });
  const rows = db
    .prepare(
      `SELECT seq, count(*) AS n FROM samples JOIN sources USING (source_no)
       WHERE server_id = ? GROUP BY seq ORDER BY seq`,
    )
    .all(serverId);
  db.close();
  return new Map(rows.map((row) => [Number(row['seq']), Number(row['n'])]));
}

/** Each of the numbers below `count`, once. */
function onceEach(count: number): Map<number, number> {
  return new Map(Array.from({ length: count }, (_, seq) => [seq, 1]));
}

/** Sends one batch after the other until the collector refuses one. */
async function sendUntilRefused(collector: RunningCollector) {
  const client = clientOf(collector.url);
  const fromMs = Date.now() - 3_600_000;
  for (let batch = 0; batch < 400; batch += 1) {
    const samples = steadySamples('sender', fromMs, 100, batch * 100);
    const refusal = await sendSamples(client, samples).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (refusal !== undefined)
      return { client, acknowledged: batch * 100, refused: samples, refusal };
  }
  throw new Error('the collector took everything');
}

/** What must hold while the store fails, and after it works again. */
async function survives(
  collector: RunningCollector,
  fault: { readonly begin: () => void; readonly end: () => void; readonly reason: RegExp },
): Promise<void> {
  await using agent = await startAgent({ to: collector.url, args: ['--server-id', 'agent'] });
  await eventually(async () => {
    expect(await metric(collector.url, 'windrow_samples_received_total')).toBeGreaterThan(0);
  });
  fault.begin();
  const { client, acknowledged, refused, refusal } = await sendUntilRefused(collector);
  expect(refusal).toMatchObject(unavailable);
  await expect(sendSamples(client, refused)).rejects.toMatchObject(unavailable);
  await eventually(async () => expect(agent.log()).toMatch(/"waiting":\d+.*samples wait/));
  expect(await readiness(collector)).toEqual([503, expect.stringMatching(fault.reason)]);
  // The page goes on, and so do exports: reading needs no room.
  expect((await fetch(`${collector.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${collector.url}/api/fleet/series?minutes=60`)).status).toBe(200);
  const exported = await run('collector', ['export', 'samples', '--data', collector.dataDir]);
  expect([exported.code, exported.stderr]).toEqual([0, '']);
  expect(exported.stdout.split('\n').length).toBeGreaterThan(acknowledged);

  fault.end();
  await eventually(async () => expect(await readiness(collector)).toEqual([200, undefined]));
  const again: MadeSample[] = [
    ...refused,
    ...steadySamples('sender', Date.now(), 10, acknowledged + 100),
  ];
  const ack = await sendSamples(client, again);
  expect(ack.stored + ack.duplicates).toBe(110);
  await eventually(async () => expect(agent.log()).toContain('the collector is back'));
  const expectAgentSamples = () => {
    const agentSamples = stored(collector, 'agent');
    expect(agentSamples).toEqual(onceEach(agentSamples.size));
    return agentSamples;
  };
  // The newest came first. At its end an agent has a second for what is behind them.
  await eventually(async () => void expectAgentSamples());
  expect(await agent.stop()).toBe(0);
  expect(stored(collector, 'sender')).toEqual(onceEach(acknowledged + 110));
  const agentSamples = expectAgentSamples();
  expect(agentSamples.size).toBeGreaterThanOrEqual(2);
  // Told when it begins, not at every try.
  const told = collector.log().match(/cannot store; nothing is acknowledged/g) ?? [];
  expect([1, 2]).toContain(told.length);
  expect(await collector.stop()).toBe(0);
}

const testMsMax = 150_000;

it(
  'a database that another process has locked: samples wait, nothing is lost or stored twice',
  async () => {
    await using collector = await startCollector();
    const other = new DatabaseSync(database(collector), { timeout: 5_000 });
    try {
      await survives(collector, {
        begin: () => other.exec('BEGIN IMMEDIATE'),
        end: () => other.exec('ROLLBACK'),
        reason: /database is locked/,
      });
    } finally {
      other.close();
    }
  },
  testMsMax,
);

describe.skipIf(!mayMount())('on a small disk of its own (needs root to mount)', () => {
  it(
    'a full disk: samples wait, and when there is room nothing is lost or stored twice',
    async () => {
      using disk = smallDisk(12 * 1024);
      await using collector = await startCollector({ dataDir: join(disk.path, 'data') });
      await survives(collector, {
        begin: () => disk.fill(),
        end: () => disk.makeRoom(),
        reason: /disk is full|disk I\/O error/,
      });
    },
    testMsMax,
  );

  it('a collector killed while its disk is full starts again when there is room, with all it acknowledged', async () => {
    using disk = smallDisk(12 * 1024);
    const dataDir = join(disk.path, 'data');
    const first = await startCollector({ dataDir });
    disk.fill();
    const { acknowledged } = await sendUntilRefused(first);
    await first.kill();
    disk.makeRoom();
    await using second = await startCollector({ dataDir });
    expect(stored(second, 'sender')).toEqual(onceEach(acknowledged));
  });

  it('a collector that starts on a full disk says so in one sentence', async () => {
    using disk = smallDisk(64);
    disk.fill();
    const args = ['serve', '--port', '0', '--data', join(disk.path, 'data')];
    const { code, stderr } = await run('collector', args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^windrow-collector: cannot .*(full|no space|I\/O)/im);
    expect(stderr).toContain('--data');
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('a small file that does not fit is not cut short: the old one stays', () => {
    using disk = smallDisk(64);
    const path = join(disk.path, 'tokens.json');
    writeFileDurably(path, 'old');
    expect(() => writeFileDurably(path, 'x'.repeat(80 * 1024))).toThrow(/ENOSPC/);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(disk.path)).toEqual(['tokens.json']);
  });
});

it('a second collector on the same folder is refused, and the first goes on', async () => {
  using data = tempDir();
  await using first = await startCollector({ dataDir: data.path });
  const { code, stderr } = await run('collector', ['serve', '--port', '0', '--data', data.path]);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^windrow-collector: another collector runs on .*\n {2}Stop it, or .*--data/,
  );
  expect(existsSync(join(data.path, 'collector', 'running.json'))).toBe(true);
  expect(await readiness(first)).toEqual([200, undefined]);
});
