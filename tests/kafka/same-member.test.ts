/** Collectors that come back under their names before the group has missed them. */
import { describe, expect, it } from 'vitest';
import { sessionMs } from '../../wire/transport/kafka/session.ts';
import { eventually, metric } from '../support/http.ts';
import { type RunningCollector, startCollector, tempDir } from '../support/programs.ts';
import { kafkaMissing, startCluster } from './support/kafka.ts';
import { keepSession } from './support/kept-session.ts';
import { untilReady } from './support/ready.ts';

/** Each time that the group gave it a share: the slots of it. */
function sharesOf(collector: RunningCollector): number[][] {
  const lines = collector.log().split('\n');
  return lines
    .filter((line) => line.includes('reads these partitions of the log'))
    .map((line) => (JSON.parse(line) as { partitions: number[] }).partitions.sort((a, b) => a - b));
}

describe.skipIf(kafkaMissing)('two collectors that share a fleet', () => {
  it('one that is killed and back within its session has its slots again, and nobody else is given any', async () => {
    await using cluster = await startCluster();
    await using programs = new AsyncDisposableStack();
    const start = async (dataDir: string): Promise<RunningCollector> => {
      const args = ['--kafka', cluster.brokers.join(',')];
      return programs.use(await startCollector({ dataDir, args }));
    };
    const folders = [programs.use(tempDir()), programs.use(tempDir())] as const;
    const running = await Promise.all(folders.map(({ path }) => start(path)));
    await eventually(async () => {
      for (const { url } of running) expect(await metric(url, 'windrow_log_slots')).toBe(3);
    }, 60_000);
    await Promise.all(running.map((collector) => untilReady(collector)));

    // One of them is who assigns the slots.
    for (const which of [0, 1] as const) {
      const [mine, other] = [running[which]!, running[1 - which]!];
      const [had, othersShares] = [sharesOf(mine).at(-1), sharesOf(other)];
      const { path } = folders[which];
      await using session = await keepSession(cluster.brokers, path);
      await mine.kill();
      const again = await start(path);
      running[which] = again;
      await eventually(async () => expect(sharesOf(again)).toEqual([had]), 60_000);
      expect(await session.ended()).toBe('replaced');
      // By now the group would have missed who was killed, and have made new shares.
      const untilMs = performance.now() + sessionMs + 5_000;
      await eventually(async () => expect(performance.now()).toBeGreaterThan(untilMs), 30_000);
      expect(sharesOf(again)).toEqual([had]);
      expect(sharesOf(other)).toEqual(othersShares);
      await untilReady(again);
    }
  }, 400_000);

  it('one that stops leaves its slots at once to the other', async () => {
    await using cluster = await startCluster();
    const args = ['--kafka', cluster.brokers.join(',')];
    await using one = await startCollector({ args });
    await using two = await startCollector({ args });
    await eventually(async () => {
      for (const { url } of [one, two]) expect(await metric(url, 'windrow_log_slots')).toBe(3);
    }, 60_000);
    // The session does not end by itself: it has to say that it leaves.
    await using session = await keepSession(cluster.brokers, two.dataDir);
    await two.stop();
    await eventually(
      async () => expect(await metric(one.url, 'windrow_log_slots')).toBe(6),
      60_000,
    );
    expect(await session.ended()).toBe('left');
  }, 240_000);
});
