/** The agent's outbox with real programs: what is not acknowledged survives whatever ends them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { eventually, metric } from '../support/http.ts';
import { countTo, outboxOf, storedByBoot, waitsFor } from '../support/outbox.ts';
import { run, startAgent, startCollector, tempDir } from '../support/programs.ts';
import { attachStrace } from '../support/strace.ts';
import { missing } from '../support/tools.ts';

it.concurrent('an agent killed twice while the collector is away: every sample of every boot arrives, once', async () => {
  using data = tempDir();
  const args = ['--data', data.path, '--server-id', 'pc'];
  const first = await startCollector();
  const { url, dataDir } = first;
  const agents = [await startAgent({ to: url, args })];
  await eventually(async () => {
    expect(await metric(url, 'windrow_samples_received_total')).toBeGreaterThan(2);
  });
  await first.kill();
  await waitsFor(data.path, 3);
  await agents[0]?.kill();
  const left = await outboxOf(data.path);
  expect(left).toMatchObject({ agent_running: false, dropped: 0 });
  expect(left.boots.length).toBe(1);

  agents.push(await startAgent({ to: url, args }));
  const grown = await waitsFor(data.path, left.records + 3);
  expect(grown).toMatchObject({ agent_running: true });
  expect(grown.boots.map(({ boot_id }) => boot_id)[0]).toBe(left.boots[0]?.boot_id);
  await agents[1]?.kill();
  const both = await outboxOf(data.path);

  agents.push(await startAgent({ to: url, args }));
  await using second = await startCollector({ dataDir, port: Number(new URL(url).port) });
  await eventually(async () => {
    expect((await outboxOf(data.path)).records).toBeLessThanOrEqual(1);
    expect(storedByBoot(second).size).toBe(3);
  }, 60_000);
  expect(await agents[2]?.stop()).toBe(0);
  const stored = storedByBoot(second);
  expect(stored.size).toBe(3);
  for (const seqs of stored.values()) expect(seqs).toEqual(countTo(seqs.length));
  // All that waited, but for an inventory a boot, is stored.
  for (const { boot_id, records } of both.boots) {
    expect(stored.get(boot_id)?.length).toBeGreaterThanOrEqual(records - 1);
  }
  expect(await metric(url, 'windrow_samples_lost_total')).toBe(0);
  for (const agent of agents) await agent[Symbol.asyncDispose]();
}, 180_000);

it.concurrent('a second agent on the same data folder is refused in one sentence', async () => {
  using data = tempDir();
  await using agent = await startAgent({ to: 'http://127.0.0.1:9', args: ['--data', data.path] });
  await waitsFor(data.path, 1);
  const second = await run('agent', ['run', '--to', 'http://127.0.0.1:9', '--data', data.path]);
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(/another agent runs on .*agent\n.*--data/);
  expect(await agent.stop()).toBe(0);
});

it.concurrent('`outbox` tells what waits in words, with an agent, without one, and where none ever was', async () => {
  using data = tempDir();
  const words = async (): Promise<string> => {
    const { code, stdout } = await run('agent', ['outbox', '--data', data.path]);
    expect(code).toBe(0);
    return stdout;
  };
  const path = join(data.path, 'agent', 'outbox.db');
  expect(await words()).toBe(`nothing waits in ${path}\nno agent runs here\n`);
  await using agent = await startAgent({ to: 'http://127.0.0.1:9', args: ['--data', data.path] });
  await waitsFor(data.path, 2);
  expect(await words()).toMatch(
    /^\d+ records wait in \S+outbox\.db \(\d\.\d MiB\)\n {2}boot \S+: \d+ records from \S+Z to \S+Z\n\d\.\d MiB on disk\nan agent works with it\n$/,
  );
  expect(await agent.stop()).toBe(0);
  expect(await words()).toMatch(/records wait[^]*no agent runs here\n$/);
});

it.concurrent('`outbox` shows a damaged time as such', async () => {
  using data = tempDir();
  await using agent = await startAgent({ to: 'http://127.0.0.1:9', args: ['--data', data.path] });
  await waitsFor(data.path, 2);
  await agent.stop();
  const db = new DatabaseSync(join(data.path, 'agent', 'outbox.db'));
  db.exec('UPDATE queue_items SET at_ms = 9000000000000000 WHERE id = 2');
  db.close();
  const { code, stdout } = await run('agent', ['outbox', '--data', data.path]);
  expect([code, stdout]).toEqual([
    0,
    expect.stringContaining('9000000000000000 ms (no time: damaged)'),
  ]);
});

const watchedOptions = { concurrent: true, timeout: 240_000 };

describe.skipIf(missing('strace'))('watched by strace', watchedOptions, () => {
  /** Seconds of sampling that are watched. */
  const watched = 10;
  /** What is answered later may be a second old before the agent knows, and then a sync is right. */
  const answeredMsMax = 700;

  /** How often the process asks for a sync until `probe` no longer throws, and in how many seconds. */
  async function syncsUntil(
    pid: number,
    probe: () => Promise<void>,
  ): Promise<{ syncs: number; seconds: number }> {
    using folder = tempDir();
    const file = join(folder.path, 'calls');
    const startMs = performance.now();
    const detach = await attachStrace(pid, ['-e', 'trace=fdatasync,fsync', '-o', file]);
    await eventually(probe);
    await detach();
    const seconds = (performance.now() - startMs) / 1_000;
    const syncs = readFileSync(file, 'utf8').match(/\b(fdatasync|fsync)\(/g)?.length ?? 0;
    return { syncs, seconds };
  }

  it('syncs nothing while the collector answers, and at most once a second while it is away', async () => {
    await using collector = await startCollector();
    await using gateway = await startGateway(collector.url);
    using data = tempDir();
    await using agent = await startAgent({ to: gateway.url, args: ['--data', data.path] });
    await eventually(async () => {
      expect(await metric(collector.url, 'windrow_samples_received_total')).toBeGreaterThan(1);
    });
    let answered: number;
    do {
      gateway.agesMs.length = 0;
      const received = await metric(collector.url, 'windrow_samples_received_total');
      ({ syncs: answered } = await syncsUntil(agent.pid, async () => {
        const now = await metric(collector.url, 'windrow_samples_received_total');
        expect(now).toBeGreaterThanOrEqual(received + watched);
      }));
    } while (Math.max(...gateway.agesMs) > answeredMsMax);
    expect(gateway.agesMs.length).toBeGreaterThanOrEqual(watched - 1);
    expect(answered).toBe(0);
    await collector.kill();
    await eventually(async () => expect(agent.log()).toContain('samples wait'));
    const { records } = await outboxOf(data.path);
    const away = await syncsUntil(agent.pid, async () => {
      await waitsFor(data.path, records + watched);
    });
    expect(away.syncs).toBeGreaterThanOrEqual(4);
    expect(away.syncs).toBeLessThanOrEqual(Math.floor(away.seconds) + 1);
  });
});
