import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { storedFleetWindows, storedWindows } from '../store/history.ts';
import { count } from '../store/testing/rows.ts';
import type { FleetWindow } from '../windows/fleet.ts';
import { mergeFleet } from '../windows/testing/fleet.ts';
import { endOfReplay, goodbye, inventory, seedA, steady } from './testing/records.ts';
import { type Rig, startRig } from './testing/rig.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

function rig(dataDir = temporaryFolder()): Rig {
  const started = startRig(dataDir);
  onTestFinished(() => {
    if (started.db.isOpen) started.db.close();
  });
  return started;
}

function fleet(db: DatabaseSync): FleetWindow[] {
  return [...storedFleetWindows(db, everything)];
}

/** What the stored windows of the servers named give, merged by start. */
function mergedFrom(db: DatabaseSync, serverIds: readonly string[]): FleetWindow[] {
  const windows = [...storedWindows(db, everything)].filter(({ serverId }) =>
    serverIds.includes(serverId),
  );
  const starts = [...new Set(windows.map(({ startMs }) => startMs))].sort((a, b) => a - b);
  return starts
    .map((start) => mergeFleet(windows.filter(({ startMs }) => startMs === start)))
    .filter((window) => window !== null);
}

function samplesOf(serverId: string, fromSecond: number, count: number) {
  return steady(noonMs - 100_000 + fromSecond * 1_000, count, {
    server_id: serverId,
    seq: fromSecond,
  });
}

it('a fleet window is made when every active server has passed its end, not when the first has', async () => {
  const r = rig();
  await r.send([...samplesOf('a', 0, 100), ...samplesOf('b', 0, 20)]);
  await r.pass(1);
  // b has come to second 19: with the lateness, to windows that end at 10.
  const early = fleet(r.db).map(({ endMs, servers }) => [
    (endMs - noonMs + 100_000) / 1_000,
    servers,
  ]);
  expect(early).toEqual([[10, 2]]);
  await r.send(samplesOf('b', 20, 80));
  await r.pass(1);
  const passed = fleet(r.db).filter(({ endMs }) => endMs <= noonMs - 100_000 + 95_000);
  expect(passed.every(({ servers }) => servers === 2)).toBe(true);
  expect(passed.length).toBe(9);
});

it('each fleet window equals the merge of the stored windows of its servers', async () => {
  const r = rig();
  const names = ['a', 'b', 'c'];
  for (let second = 0; second < 120; second += 15) {
    await r.send(names.flatMap((name) => samplesOf(name, second, 15)));
    await r.pass(1);
  }
  await r.pass(31);
  expect(fleet(r.db)).toEqual(mergedFrom(r.db, names));
  expect(count(r.db, 'fleet_pending')).toBe(0);
});

it('a silent server holds the fleet up for 30 s and no longer', async () => {
  const r = rig();
  await r.send([...samplesOf('quiet', 0, 10), ...samplesOf('a', 0, 100)]);
  await r.pass(1);
  const before = fleet(r.db).length;
  for (let i = 0; i < 31; i += 1) {
    await r.send(samplesOf('a', 100 + i, 1));
    await r.pass(1);
  }
  expect(fleet(r.db).length).toBeGreaterThan(before + 8);
});

it('a server that is off, and one that only told its inventory, hold nobody up', async () => {
  const r = rig();
  await r.send([...samplesOf('off', 0, 10), goodbye('off')]);
  await r.send([inventory('new'), ...samplesOf('a', 0, 100)]);
  await r.pass(1);
  const last = fleet(r.db).at(-1);
  expect(last?.endMs).toBe(noonMs - 100_000 + 90_000);
});

it('a server that was off before a restart holds nobody up after it', async () => {
  const dataDir = temporaryFolder();
  const first = rig(dataDir);
  await first.send([...samplesOf('off', 0, 10), goodbye('off')]);
  first.crash();
  const r = rig(dataDir);
  await r.send(samplesOf('a', 0, 100));
  await r.pass(1);
  expect(fleet(r.db).at(-1)?.endMs).toBe(noonMs - 100_000 + 90_000);
});

it('a late backfill makes the fleet window anew, with the server in it', async () => {
  const r = rig();
  await r.send(samplesOf('a', 0, 100));
  await r.pass(1);
  const alone = fleet(r.db).filter(({ servers }) => servers === 1).length;
  expect(alone).toBeGreaterThan(8);
  await r.send(samplesOf('b', 0, 100));
  await r.pass(40);
  expect(fleet(r.db)).toEqual(mergedFrom(r.db, ['a', 'b']));
  expect(fleet(r.db).filter(({ servers }) => servers === 2).length).toBeGreaterThan(8);
});

it('a server whose clock is off stays out of the fleet and holds it up by nothing', async () => {
  const r = rig();
  const header = { server_id: 'skewed', boot_id: 'boot', sent_at: noonMs + 5_001 };
  await r.send(samplesOf('skewed', 0, 30), header);
  await r.send(samplesOf('a', 0, 100), { server_id: 'a', boot_id: 'boot' });
  await r.pass(40);
  expect(r.registry.find('skewed', '')?.skewed).toBe(true);
  expect(fleet(r.db)).toEqual(mergedFrom(r.db, ['a']));
  expect(r.told).toContain('changed skewed');
});

it('five seconds off is not skewed', async () => {
  const r = rig();
  const header = { server_id: 'a', boot_id: 'boot', sent_at: noonMs - 5_000 };
  await r.send(samplesOf('a', 0, 30), header);
  expect(r.registry.find('a', '')?.skewed).toBe(false);
});

it('replays of equal origin share fleet windows, live servers and other replays do not', async () => {
  const r = rig();
  const originMs = noonMs - 600_007;
  const id = 'f'.repeat(64);
  const row = (name: string) =>
    steady(originMs, 40, { server_id: name, boot_id: id, origin_ms: originMs });
  await r.send([...row('a'), ...row('b'), ...samplesOf('live', 0, 100)]);
  await r.send([endOfReplay(id, originMs)]);
  const replayed = fleet(r.db).filter(({ startMs }) => (startMs - originMs) % 10_000 === 0);
  expect(replayed).toEqual(mergedFrom(r.db, ['a', 'b']));
  expect(replayed.length).toBe(6);
});

it('a server with several topics is passed when its slowest topic has passed', async () => {
  const r = rig();
  const fromMs = noonMs - 100_000;
  const lane = (metric: string, key: string, seconds: number) =>
    Array.from({ length: seconds }, (_, i) => seedA(metric, fromMs + i * 1_000, { [key]: i }));
  await r.send([...samplesOf('a', 0, 100)]);
  await r.send([...lane('mem', 'mem_pct', 20), ...lane('cpu', 'cpu_pct', 100)]);
  await r.pass(1);
  const beyond = fleet(r.db).filter(({ endMs }) => endMs > fromMs + 20_000);
  expect(beyond).toEqual([]);
});

it('fleet windows that were owed at a crash are made after the restart, from the stored windows', async () => {
  const dataDir = temporaryFolder();
  const first = rig(dataDir);
  await first.send([...samplesOf('a', 0, 100), ...samplesOf('b', 0, 100)]);
  expect(fleet(first.db)).toEqual([]);
  first.crash();
  const second = rig(dataDir);
  await second.pass(40);
  expect(fleet(second.db)).toEqual(mergedFrom(second.db, ['a', 'b']));
  expect(fleet(second.db).length).toBeGreaterThan(8);
  expect(count(second.db, 'fleet_pending')).toBe(0);
});
