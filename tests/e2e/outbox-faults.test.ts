/** The agent's outbox on a disk that fails: sampling and sending go on, and it recovers by itself. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { outboxPath } from '../../agent/outbox/place.ts';
import { walPathOf } from '../../runtime/queue/damage.ts';
import { eventually, metric } from '../support/http.ts';
import { countTo, outboxOf, storedByBoot, waitsFor } from '../support/outbox.ts';
import {
  type Program,
  type RunningCollector,
  startAgent,
  startCollector,
  tempDir,
} from '../support/programs.ts';
import { mayMount, smallDisk } from '../support/small-disk.ts';
import { attachStrace, brokenDisk } from '../support/strace.ts';
import { missing } from '../support/tools.ts';

/** Longer than all waits of a test together: one for an agent's longest backoff among them. */
const testMsMax = 180_000;

/** Records that an agent could not send in the two seconds that it has at its end, as it told. */
function leftOver(log: string): number {
  return Number(/"waiting":(\d+)[^\n]*what was not sent waits/.exec(log)?.[1] ?? 0);
}

/** What must hold while the outbox cannot be written, and after it can again. */
async function survives(
  { agent, collector }: { readonly agent: Program; readonly collector: RunningCollector },
  /** @returns what ends it */
  begin: () => Promise<() => Promise<void>>,
): Promise<void> {
  const received = (): Promise<number> => metric(collector.url, 'windrow_samples_received_total');
  await eventually(async () => expect(await received()).toBeGreaterThan(1));
  const end = await begin();
  await eventually(async () => expect(agent.log()).toContain('records wait in memory'));
  const before = await received();
  await eventually(async () => expect(await received()).toBeGreaterThan(before + 12));
  expect(agent.log().match(/records wait in memory/g)?.length).toBe(1);
  await end();
  await eventually(async () => expect(agent.log()).toContain('can be written again'));
  expect(await agent.stop()).toBe(0);
  for (const seqs of storedByBoot(collector).values()) expect(seqs).toEqual(countTo(seqs.length));
}

const concurrently = { concurrent: true, timeout: testMsMax };

describe.skipIf(missing('strace'))('whose calls fail (needs strace)', concurrently, () => {
  const away = 'http://127.0.0.1:9';
  const filesIn = (dataDir: string): string[] => {
    const path = outboxPath(dataDir);
    return [path, walPathOf(path), `${path}-journal`, `${path}-shm`];
  };

  it('an I/O error at every write: samples go on arriving, it is told once, and the outbox recovers by itself', async () => {
    await using collector = await startCollector();
    using data = tempDir();
    const args = ['--data', data.path, '--server-id', 'pc'];
    await using agent = await startAgent({ to: collector.url, args });
    await survives({ agent, collector }, () =>
      attachStrace(agent.pid, brokenDisk('pwrite64', filesIn(data.path))),
    );
    expect(agent.log()).toContain('disk I/O error');
    const records = leftOver(agent.log());
    expect(await outboxOf(data.path)).toMatchObject({ records, dropped: 0 });
  });

  it('an I/O error at every sync while the collector is away: nothing is lost, it is told once, and once when it is over', async () => {
    using data = tempDir();
    const args = ['--data', data.path, '--server-id', 'pc'];
    await using first = await startCollector();
    const { url, dataDir } = first;
    await first.kill();
    await using agent = await startAgent({ to: url, args });
    await waitsFor(data.path, 2);
    const syncs = brokenDisk('fsync,fdatasync', filesIn(data.path));
    const detach = await attachStrace(agent.pid, syncs);
    await eventually(async () => expect(agent.log()).toContain('does not confirm'));
    const { records } = await outboxOf(data.path);
    await waitsFor(data.path, records + 4);
    expect(agent.log().match(/does not confirm/g)?.length).toBe(1);
    await detach();
    await eventually(async () => expect(agent.log()).toContain('confirms again'));
    // What the system took for synced is not believed: the file alone, without its log, has all of it.
    using alone = tempDir();
    mkdirSync(dirname(outboxPath(alone.path)));
    copyFileSync(outboxPath(data.path), outboxPath(alone.path));
    expect((await outboxOf(alone.path)).records).toBeGreaterThanOrEqual(records + 4);
    await using second = await startCollector({ dataDir, port: Number(new URL(url).port) });
    // All but what was measured this moment.
    await eventually(async () => {
      expect((await outboxOf(data.path)).records).toBeLessThanOrEqual(1);
    }, 60_000);
    expect(await agent.stop()).toBe(0);
    const [seqs = []] = storedByBoot(second).values();
    expect(seqs.length).toBeGreaterThan(records + 3);
    expect(seqs).toEqual(countTo(seqs.length));
  });

  it('files that cannot be opened at the start: samples arrive, and what an earlier run left comes when they can', async () => {
    using data = tempDir();
    const args = ['--data', data.path, '--server-id', 'pc'];
    await using earlier = await startAgent({ to: away, args });
    await waitsFor(data.path, 4);
    await earlier.kill();
    await using collector = await startCollector();
    // Opened once a try: by ours, which looks for damage, or by SQLite.
    const broken = brokenDisk('openat', filesIn(data.path), 1);
    const under = ['strace', '-D', '-f', ...broken];
    await using agent = await startAgent({ to: collector.url, args, under });
    await eventually(async () => {
      expect(agent.log()).toContain('records wait in memory');
      expect(storedByBoot(collector).size).toBe(1);
    });
    await eventually(async () => expect(agent.log()).toContain('can be written again'));
    await eventually(async () => expect(storedByBoot(collector).size).toBe(2));
    expect(await agent.stop()).toBe(0);
    const stored = storedByBoot(collector);
    for (const seqs of stored.values()) expect(seqs).toEqual(countTo(seqs.length));
    expect(
      readdirSync(join(data.path, 'agent')).filter((name) => name.includes('corrupt')),
    ).toEqual([]);
  });
});

describe.skipIf(!mayMount())(
  'on a small disk of its own (needs root to mount)',
  concurrently,
  () => {
    it('a full disk: samples go on arriving, it is told once, and the outbox recovers by itself', async () => {
      using disk = smallDisk(4 * 1024);
      await using collector = await startCollector();
      const args = ['--data', join(disk.path, 'data'), '--server-id', 'pc'];
      await using agent = await startAgent({ to: collector.url, args });
      await survives({ agent, collector }, async () => {
        disk.fill();
        return async () => disk.makeRoom();
      });
    });

    it('an agent that starts on a full disk samples all the same', async () => {
      using disk = smallDisk(1024);
      await using collector = await startCollector();
      disk.fill();
      const args = ['--data', join(disk.path, 'data'), '--server-id', 'pc'];
      await using agent = await startAgent({ to: collector.url, args });
      await eventually(async () => {
        expect(await metric(collector.url, 'windrow_samples_received_total')).toBeGreaterThan(3);
      });
      expect(agent.log()).toContain('records wait in memory');
      expect(await agent.stop()).toBe(0);
    });
  },
);
