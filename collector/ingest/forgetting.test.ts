import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { databasePath } from '../store/database.ts';
import { SampleRows } from '../store/sample-rows.ts';
import { count, sampleRow } from '../store/testing/rows.ts';
import { Forgetting } from './forgetting.ts';
import { endOfReplay, inventory, sample, steady } from './testing/records.ts';
import { type Rig, startRig } from './testing/rig.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const file = 'f'.repeat(64);

function fixture(dataDir = temporaryFolder()) {
  const rig = startRig(dataDir);
  onTestFinished(() => {
    if (rig.db.isOpen) rig.db.close();
  });
  const { db, registry, ingest } = rig;
  const forgetting = new Forgetting({
    db,
    registry,
    waiting: () => ingest.waitingSources(),
    onForgotten: (source) => ingest.forget(source),
  });
  return { rig, dataDir, forgetting };
}

async function decommission(rig: Rig, serverId: string): Promise<void> {
  const source = rig.registry.find(serverId, '');
  if (source === undefined) throw new Error(`${serverId} is not known`);
  const done = rig.ingest.decommission(source);
  await vi.advanceTimersByTimeAsync(20);
  await done;
}

/** What retention does in the course of time. */
function ageAway({ db }: Rig): void {
  db.exec('DELETE FROM samples; DELETE FROM details; DELETE FROM windows');
}

it('a decommissioned server is forgotten once nothing is stored of it, and not before', async () => {
  const { rig, dataDir, forgetting } = fixture();
  await rig.send([inventory('pc'), ...steady(noonMs - 60_000, 60), inventory('other')]);
  await decommission(rig, 'pc');
  expect(forgetting.step()).toBe(false);
  expect(rig.registry.find('pc', '')).toBeDefined();
  rig.db.exec('DELETE FROM samples');
  forgetting.step();
  expect(rig.registry.find('pc', '')).toBeDefined();
  ageAway(rig);
  forgetting.step();
  expect(rig.registry.find('pc', '')).toBeUndefined();
  expect(rig.registry.get(1)).toBeUndefined();
  // The other one has no samples either, but is nobody's to forget.
  expect(['sources', 'boots', 'inventories'].map((table) => count(rig.db, table))).toEqual([
    1, 0, 1,
  ]);
  rig.crash();
  expect(fixture(dataDir).rig.registry.size).toBe(1);
});

it('nobody is forgotten of whom samples are being written ahead', async () => {
  const { rig, forgetting } = fixture();
  await rig.send(steady(noonMs - 60_000, 3));
  await decommission(rig, 'pc');
  ageAway(rig);
  const rows = new SampleRows();
  rows.push(sampleRow({ sourceNo: 1, tsMs: noonMs }));
  const handedOver = vi.spyOn(rig.writer, 'handedOver', 'get').mockReturnValue(rows);
  forgetting.step();
  expect(rig.registry.find('pc', '')).toBeDefined();
  handedOver.mockReturnValue(undefined);
  forgetting.step();
  expect(rig.registry.find('pc', '')).toBeUndefined();
});

it('a server that was forgotten and sends again is a new one', async () => {
  const { rig, forgetting } = fixture();
  await rig.send(steady(noonMs - 60_000, 3));
  await decommission(rig, 'pc');
  ageAway(rig);
  forgetting.step();
  expect(await rig.send([sample({ ts: noonMs, seq: 0 })])).toMatchObject({ stored: 1 });
  expect(rig.registry.find('pc', '')?.sourceNo).toBe(2);
  expect(count(rig.db, 'samples WHERE source_no = 2')).toBe(1);
});

it('a replay that has ended makes room again, and the same file can be replayed anew', async () => {
  const { rig, forgetting } = fixture();
  const rows = steady(5_000, 3, { boot_id: file, origin_ms: 5_000 });
  await rig.send([...rows, endOfReplay(file, 5_000)]);
  await rig.pass(1);
  ageAway(rig);
  forgetting.step();
  expect(rig.registry.size).toBe(0);
  expect(await rig.send(rows)).toMatchObject({ stored: 3 });
});

it('a source is not forgotten while what came of it waits for a commit', async () => {
  const { rig, forgetting } = fixture();
  const rows = steady(5_000, 3, { boot_id: file, origin_ms: 5_000 });
  const sent = rig.begin([...rows, endOfReplay(file, 5_000)]);
  forgetting.step();
  expect(rig.registry.size).toBe(1);
  await vi.advanceTimersByTimeAsync(20);
  await sent;
});

it('a checkpoint that waits does not bring a forgotten source back into the store', async () => {
  const { rig, forgetting } = fixture();
  await rig.send(steady(noonMs - 60_000, 3));
  await decommission(rig, 'pc');
  ageAway(rig);
  // A repeat changes the books alone.
  const sent = rig.begin(steady(noonMs - 60_000, 3));
  forgetting.step();
  await vi.advanceTimersByTimeAsync(20);
  expect(await sent).toMatchObject({ duplicates: 3 });
  expect(count(rig.db, 'sources')).toBe(0);
});

it('a commit that failed and is tried again does not bring a forgotten source back either', async () => {
  const { rig, dataDir, forgetting } = fixture();
  await rig.send(steady(noonMs - 60_000, 3));
  await decommission(rig, 'pc');
  ageAway(rig);
  const other = new DatabaseSync(databasePath(dataDir));
  other.exec('BEGIN IMMEDIATE');
  await expect(rig.send(steady(noonMs - 60_000, 3))).rejects.toMatchObject({ retryable: true });
  other.close();
  forgetting.step();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(rig.writer.failure).toBeUndefined();
  expect(count(rig.db, 'sources')).toBe(0);
  expect(count(rig.db, 'boots')).toBe(0);
});

it('very many that have ended have their turns one step after the other', () => {
  const { rig, forgetting } = fixture();
  for (let i = 0; i < 1_200; i += 1) {
    const source = rig.registry.create({ serverId: `s${i}`, replayId: file, originMs: 5 });
    rig.ingest.engine.open(source.sourceNo, { originMs: 5, replayed: true });
    source.closed = true;
  }
  expect([forgetting.step(), rig.registry.size]).toEqual([true, 700]);
  expect([forgetting.step(), rig.registry.size]).toEqual([true, 200]);
  expect([forgetting.step(), rig.registry.size]).toEqual([false, 0]);
});
