import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { QueueFile } from '../../runtime/queue/file.ts';
import { QUEUE_MIGRATIONS } from '../../runtime/queue/schema.ts';
import { DurableOutbox, liveRecordsMax } from './durable.ts';
import { heldRecordsMax } from './held.ts';
import type { Lease } from './port.ts';

const bytesMax = 64 * 1024 * 1024;

function fixture(path = join(temporaryFolder(), 'outbox.db'), cap = bytesMax) {
  const clock = createManualClock();
  const { log, lines } = createKeptLog();
  const open = (bootId: string): DurableOutbox => {
    const outbox = new DurableOutbox({ path, bytesMax: cap, bootId, clock, log });
    onTestFinished(() => outbox.close());
    return outbox;
  };
  return { path, clock, lines, open };
}

function fill(outbox: DurableOutbox, from: number, to: number): void {
  for (let seq = from; seq < to; seq += 1) {
    outbox.add({ line: `{"seq":${seq},"fill":"${'x'.repeat(1_000)}"}`, atMs: seq, seq });
  }
}

function seqs(lease: Lease | undefined): (number | null)[] | undefined {
  return lease?.records.map(({ seq }) => seq);
}

it('what an earlier run left comes in batches of its own, under its own boot', () => {
  const { open } = fixture();
  fill(open('first'), 0, 5);
  const outbox = open('second');
  fill(outbox, 0, 3);
  expect(outbox.size).toBe(8);
  const live = outbox.takeLive();
  expect([live?.bootId, seqs(live)]).toEqual(['second', [0, 1, 2]]);
  const backlog = outbox.takeBacklog();
  expect([backlog?.bootId, seqs(backlog)]).toEqual(['first', [0, 1, 2, 3, 4]]);
  if (live === undefined || backlog === undefined) throw new Error('nothing was given');
  expect(outbox.factsOf(live)).toMatchObject({ oldestOutstandingSeq: 0, waiting: 5 });
  fill(outbox, 3, 4);
  outbox.acknowledge(live);
  expect(outbox.factsOf(backlog)).toMatchObject({ oldestOutstandingSeq: 0, pendingFromMs: 3 });
});

it('a file of a newer windrow ends the start: what waits in it is for that one', () => {
  const { path, lines, open } = fixture();
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA user_version = ${QUEUE_MIGRATIONS.length + 1}`);
  db.close();
  expect(() => open('second')).toThrow(expect.objectContaining({ code: 'store_newer' }));
  expect(lines).toEqual([]);
  expect(readdirSync(dirname(path)).filter((name) => name.includes('corrupt'))).toEqual([]);
});

it('a file damaged while it is in use is set aside; what memory knows goes into a new one', () => {
  const { path, lines, open } = fixture();
  const outbox = open('boot');
  fill(outbox, 0, 3_000);
  for (const file of [path, `${path}-wal`]) {
    const fd = openSync(file, 'r+');
    writeSync(fd, Buffer.alloc(statSync(file).size, 0x55), 0);
    closeSync(fd);
  }
  outbox.takeBacklog();
  expect(lines).toMatchObject([{ level: 'error', msg: 'a damaged file was set aside' }]);
  expect(readdirSync(dirname(path)).some((name) => name.includes('.corrupt-'))).toBe(true);
  expect(outbox.size).toBe(liveRecordsMax);
  expect(outbox.dropped).toBe(3_000 - liveRecordsMax);
  fill(outbox, 3_000, 3_001);
  expect(seqs(outbox.takeLive())?.at(-1)).toBe(3_000);
});

it('while the file cannot be opened records wait in memory, bounded, and go into it when it can', () => {
  // A folder where the file should be.
  const folder = temporaryFolder();
  const { clock, lines, open } = fixture(join(folder, 'sub', 'outbox.db'));
  closeSync(openSync(join(folder, 'sub'), 'w'));
  const outbox = open('boot');
  fill(outbox, 0, 5_000);
  expect(lines.map(({ msg }) => msg)).toEqual([
    'the outbox cannot be written; records wait in memory',
  ]);
  expect(outbox.size).toBeLessThanOrEqual(heldRecordsMax * 1.1);
  expect(outbox.size + outbox.dropped).toBe(5_000);
  const lease = outbox.takeBacklog();
  expect(seqs(lease)?.[0]).toBe(outbox.dropped);
  if (lease === undefined) throw new Error('nothing was given');
  expect(outbox.factsOf(lease)).toMatchObject({
    oldestOutstandingSeq: outbox.dropped,
    dropped: outbox.dropped,
  });
  clock.advance(5 * 60_000);
  fill(outbox, 5_000, 5_001);
  expect(lines.length).toBe(2);
});

it('before the file of an earlier run can be opened anything may wait in it; then what it holds is told', async () => {
  const { path, clock, open } = fixture();
  const first = open('first');
  fill(first, 50, 60);
  await first.close();
  // What SQLite makes beside the file cannot be made: a folder is in its place.
  mkdirSync(`${path}-shm`);
  const outbox = open('second');
  fill(outbox, 100, 102);
  const live = outbox.takeLive();
  if (live === undefined) throw new Error('nothing was given');
  expect(outbox.takeBacklog()).toBeUndefined();
  expect(outbox.factsOf(live)).toMatchObject({ oldestOutstandingSeq: 100, pendingFromMs: 0 });
  rmdirSync(`${path}-shm`);
  clock.advance(10_000);
  fill(outbox, 102, 103);
  expect(outbox.factsOf(live)).toMatchObject({ oldestOutstandingSeq: 100, pendingFromMs: 50 });
  const backlog = outbox.takeBacklog();
  if (backlog === undefined) throw new Error('nothing was given');
  expect(outbox.factsOf(backlog)).toMatchObject({ oldestOutstandingSeq: 50, pendingFromMs: 100 });
  outbox.acknowledge(backlog);
  outbox.acknowledge(live);
  const last = outbox.takeLive();
  if (last === undefined) throw new Error('nothing was given');
  expect(outbox.factsOf(last).pendingFromMs).toBeUndefined();
});

it('a file that is opened but cannot be read yet tells the same', async () => {
  const { open } = fixture();
  const first = open('first');
  fill(first, 50, 60);
  await first.close();
  const failing = vi.spyOn(QueueFile.prototype, 'earliestMs').mockImplementation(() => {
    throw new Error('disk I/O error');
  });
  onTestFinished(() => void vi.restoreAllMocks());
  const outbox = open('second');
  fill(outbox, 100, 101);
  const live = outbox.takeLive();
  if (live === undefined) throw new Error('nothing was given');
  expect(outbox.factsOf(live).pendingFromMs).toBe(0);
  failing.mockRestore();
  expect(outbox.factsOf(live).pendingFromMs).toBe(50);
});

it('what is on its way is not dropped from memory either: it may arrive, and would be counted all the same', () => {
  const folder = temporaryFolder();
  closeSync(openSync(join(folder, 'sub'), 'w'));
  const outbox = fixture(join(folder, 'sub', 'outbox.db')).open('boot');
  fill(outbox, 0, 200);
  const lease = outbox.takeBacklog();
  if (lease === undefined) throw new Error('nothing was given');
  fill(outbox, 200, 5_000);
  expect(outbox.dropped).toBeGreaterThan(0);
  outbox.acknowledge(lease);
  expect(outbox.size + outbox.dropped).toBe(5_000 - lease.records.length);
});

it('a record that a flipped bit has spoilt is counted, told and left out; the others of its batch are sent', async () => {
  const { path, lines, open } = fixture();
  const first = open('first');
  fill(first, 0, 5);
  await first.close();
  const bytes = readFileSync(path);
  const at = bytes.indexOf('{"seq":2,"fill":"x') + 30;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const outbox = open('second');
  const lease = outbox.takeBacklog();
  expect(seqs(lease)).toEqual([0, 1, 3, 4]);
  if (lease === undefined) throw new Error('nothing was given');
  expect(outbox.factsOf(lease)).toMatchObject({ oldestOutstandingSeq: 0, dropped: 1, waiting: 0 });
  expect([outbox.size, outbox.dropped]).toEqual([4, 1]);
  expect(lines).toMatchObject([{ level: 'error', file: path, items: 1 }]);
});

it('a time that JavaScript has not makes the file a damaged one', async () => {
  const { path, lines, open } = fixture();
  const first = open('first');
  fill(first, 0, 5);
  await first.close();
  const db = new DatabaseSync(path);
  db.exec('UPDATE queue_items SET at_ms = 9223372036854775807 WHERE no = 2');
  db.close();
  const outbox = open('second');
  expect(outbox.takeBacklog()).toBeUndefined();
  expect(lines).toMatchObject([{ level: 'error', msg: 'a damaged file was set aside' }]);
  expect([outbox.size, outbox.dropped]).toEqual([0, 5]);
  fill(outbox, 0, 1);
  expect(seqs(outbox.takeLive())).toEqual([0]);
});

it('the newest are never dropped: they may arrive yet, and would be counted all the same', () => {
  // The log's share of 12 MiB, and room for fewer records than are dropped at a time.
  const { open } = fixture(undefined, 12 * 1024 * 1024 + 130 * 1024);
  const outbox = open('boot');
  let made = 0;
  for (; outbox.dropped === 0 && made < 1_000; made += 1) fill(outbox, made, made + 1);
  expect(outbox.dropped).toBeGreaterThan(0);
  const lease = outbox.takeLive();
  if (lease === undefined) throw new Error('nothing was given');
  expect(seqs(lease)?.at(-1)).toBe(made - 1);
  outbox.acknowledge(lease);
  expect(outbox.size).toBeGreaterThanOrEqual(0);
  expect(outbox.size + outbox.dropped).toBe(made - liveRecordsMax);
  expect(outbox.takeBacklog()?.records.length ?? 0).toBe(outbox.size);
});

it('what was dropped stays counted after a restart', async () => {
  const { open } = fixture();
  const outbox = open('first');
  fill(outbox, 0, 3);
  const lease = outbox.takeLive();
  if (lease === undefined) throw new Error('nothing was given');
  outbox.discard(lease);
  fill(outbox, 3, 4);
  await outbox.close();
  const again = open('second');
  const backlog = again.takeBacklog();
  if (backlog === undefined) throw new Error('nothing was given');
  expect(again.factsOf(backlog)).toMatchObject({ oldestOutstandingSeq: 3, dropped: 3 });
});

it('of a file that cannot be read nothing is said to be gone from it', () => {
  const outbox = fixture().open('boot');
  fill(outbox, 0, 200);
  const fails = (method: 'add' | 'oldestNumber' | 'earliestMs') =>
    vi.spyOn(QueueFile.prototype, method).mockImplementation(() => {
      throw new Error('disk I/O error');
    });
  const failing = [fails('add'), fails('oldestNumber'), fails('earliestMs')];
  onTestFinished(() => void vi.restoreAllMocks());
  fill(outbox, 200, 202);
  const live = outbox.takeLive();
  if (live === undefined) throw new Error('nothing was given');
  expect(outbox.factsOf(live).oldestOutstandingSeq).toBeUndefined();
  for (const each of failing) each.mockRestore();
  expect(outbox.factsOf(live).oldestOutstandingSeq).toBe(0);
});
