import { expect, it, vi } from 'vitest';
import { metric } from '../support/http.ts';
import { type RunningCollector, run, startCollector, tempDir } from '../support/programs.ts';
import { clientOf, type MadeSample, sendSamples, steadySamples } from '../support/send.ts';

// Some hundred batches, each on the disk before the next.
vi.setConfig({ testTimeout: 180_000 });

const servers = ['pc-a', 'pc-b', 'pc-c'];
const seconds = 240;
const batchSamples = 7;

/** Ten minutes ago, at a fixed place between two slides, so that all runs see the same times. */
function startMs(): number {
  return Math.floor((Date.now() - 600_000) / 10_000) * 10_000 + 3_000;
}

/** Batches of all servers in the order in which they would arrive. */
function batchesFrom(fromMs: number): MadeSample[][] {
  const batches: MadeSample[][] = [];
  for (let at = 0; at < seconds; at += batchSamples) {
    for (const server of servers) {
      const count = Math.min(batchSamples, seconds - at);
      batches.push(steadySamples(server, fromMs + at * 1_000, count, at));
    }
  }
  return batches;
}

async function exported(dataDir: string, ...args: string[]): Promise<string> {
  const result = await run('collector', ['export', ...args, '--data', dataDir]);
  expect(result.stderr).toBe('');
  return result.stdout;
}

async function uninterrupted(batches: MadeSample[][]) {
  await using collector = await startCollector();
  const client = clientOf(collector.url);
  for (const batch of batches) await sendSamples(client, batch);
  return {
    windows: await exported(collector.dataDir, 'windows'),
    samples: await exported(collector.dataDir, 'samples'),
  };
}

it('windows and samples of a collector killed midway, again and again, equal the uninterrupted run’s', async () => {
  const batches = batchesFrom(startMs());
  const expected = await uninterrupted(batches);
  expect(expected.windows.split('\n').length).toBeGreaterThan(60);

  using data = tempDir();
  let collector: RunningCollector = await startCollector({ dataDir: data.path });
  let client = clientOf(collector.url);
  for (const [i, batch] of batches.entries()) {
    if (i % 17 !== 16) {
      await sendSamples(client, batch);
      continue;
    }
    // Killed while the batch is on its way: whether it was stored is not known, so it comes again.
    const onItsWay = sendSamples(client, batch).catch(() => undefined);
    await collector.kill();
    await onItsWay;
    collector = await startCollector({ dataDir: data.path });
    client = clientOf(collector.url);
    await sendSamples(client, batch);
  }
  expect(await exported(data.path, 'windows')).toBe(expected.windows);
  expect(await exported(data.path, 'samples')).toBe(expected.samples);
  expect(await metric(collector.url, 'windrow_samples_late_total')).toBe(0);
  await collector.stop();
});

it('batches sent twice and out of order within the lateness change nothing', async () => {
  const fromMs = startMs();
  const expected = await uninterrupted(batchesFrom(fromMs));
  await using collector = await startCollector();
  const client = clientOf(collector.url);
  for (const batch of batchesFrom(fromMs)) {
    await sendSamples(client, batch.toReversed());
    expect((await sendSamples(client, batch)).duplicates).toBe(batch.length);
  }
  expect(await exported(collector.dataDir, 'windows')).toBe(expected.windows);
});

it('a backlog behind live samples gives the windows of a run without outage', async () => {
  const fromMs = startMs();
  const expected = await uninterrupted(batchesFrom(fromMs));
  await using collector = await startCollector();
  const client = clientOf(collector.url);
  const batches = batchesFrom(fromMs);
  // The last minute comes first and announces what is still waiting; then the rest, in order.
  const live = batches.slice(-27);
  const backlog = batches.slice(0, -27);
  for (const batch of live) await sendSamples(client, batch, { pending_from_ms: fromMs });
  for (const batch of backlog) {
    const next = backlog.find(
      (other) =>
        other[0]?.server_id === batch[0]?.server_id && (other[0]?.ts ?? 0) > (batch[0]?.ts ?? 0),
    );
    const pending = next?.[0] === undefined ? {} : { pending_from_ms: next[0].ts };
    await sendSamples(client, batch, pending);
  }
  expect(await exported(collector.dataDir, 'windows')).toBe(expected.windows);
});
