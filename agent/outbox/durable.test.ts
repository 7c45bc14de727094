import { closeSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openQueueFile } from '../../runtime/queue/file.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
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

it('a record that a flipped bit has spoilt is counted and left out, the others of its batch are sent', () => {
  const { path, clock, open } = fixture();
  const { log } = createKeptLog();
  const file = openQueueFile({ path, bytesMax, clock, log });
  const good = { lane: 'first', no: 0, atMs: 1, body: '{"value":0}' };
  const spoilt = [
    { ...good, body: '{"value":\n0}' },
    { ...good, body: '"value":0}' },
    { ...good, atMs: -1 },
    { ...good, no: -5 },
    { ...good, lane: 'fi rst' },
  ];
  file.add([good, ...spoilt, { ...good, no: 1 }], { keep: [], mayDropWhenLow: true });
  void file.close();
  const outbox = open('second');
  expect(seqs(outbox.takeBacklog())).toEqual([0, 1]);
  expect([outbox.size, outbox.dropped]).toEqual([2, spoilt.length]);
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
