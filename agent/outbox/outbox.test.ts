import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { DurableOutbox, liveRecordsMax } from './durable.ts';
import { leaseRecordsMax } from './lease-size.ts';
import type { Lease, NewRecord, Outbox } from './port.ts';
import { createMemoryOutbox } from './testing/memory-outbox.ts';

const bytesMax = 64 * 1024 * 1024;

function createDurable(bootId: string): Outbox {
  const path = join(temporaryFolder(), 'outbox.db');
  const { log } = createKeptLog();
  const outbox = new DurableOutbox({ path, bytesMax, bootId, clock: createManualClock(), log });
  onTestFinished(() => outbox.close());
  return outbox;
}

function record(seq: number, atMs = 1_000 * seq): NewRecord {
  return { line: `{"value":${seq}}`, atMs, seq };
}

function seqs(lease: Lease | undefined): (number | null)[] | undefined {
  return lease?.records.map(({ seq }) => seq);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe.each([
  ['in a file', createDurable],
  ['for tests', createMemoryOutbox],
])('an outbox %s', (_, create) => {
  function filled(count: number): Outbox {
    const outbox = create('boot');
    for (let seq = 0; seq < count; seq += 1) outbox.add(record(seq));
    return outbox;
  }

  function taken(lease: Lease | undefined): Lease {
    if (lease === undefined) throw new Error('nothing was given');
    return lease;
  }

  it('gives the newest first and then the oldest, and nothing to two at a time', () => {
    const outbox = filled(liveRecordsMax + 200);
    expect(seqs(outbox.takeLive())).toEqual(range(200, 200 + liveRecordsMax));
    expect(outbox.takeLive()).toBeUndefined();
    expect(seqs(outbox.takeBacklog())).toEqual(range(0, leaseRecordsMax));
    expect(seqs(outbox.takeBacklog())).toEqual(range(leaseRecordsMax, 200));
    expect(outbox.takeBacklog()).toBeUndefined();
    expect(outbox.size).toBe(liveRecordsMax + 200);
  });

  it('gives again what was given back, and forgets what was acknowledged', () => {
    const outbox = filled(liveRecordsMax + 2);
    const backlog = taken(outbox.takeBacklog());
    outbox.giveBack(backlog);
    expect(seqs(outbox.takeBacklog())).toEqual([0, 1]);
    const live = taken(outbox.takeLive());
    outbox.acknowledge(live);
    expect(outbox.size).toBe(2);
    expect(outbox.takeLive()).toBeUndefined();
  });

  it('what came back too late to be the newest joins the backlog', () => {
    const outbox = filled(liveRecordsMax);
    const lease = taken(outbox.takeLive());
    for (const seq of range(liveRecordsMax, 2 * liveRecordsMax - 5)) outbox.add(record(seq));
    outbox.giveBack(lease);
    expect(seqs(outbox.takeLive())).toEqual(range(liveRecordsMax - 5, 2 * liveRecordsMax - 5));
    expect(seqs(outbox.takeBacklog())).toEqual(range(0, liveRecordsMax - 5));
  });

  it('tells below which number none will come, what else waits and from when on', () => {
    const outbox = filled(liveRecordsMax + 150);
    const live = taken(outbox.takeLive());
    expect(outbox.factsOf(live)).toEqual({
      oldestOutstandingSeq: 0,
      pendingFromMs: 0,
      dropped: 0,
      waiting: 150,
    });
    const backlog = taken(outbox.takeBacklog());
    outbox.acknowledge(live);
    outbox.add(record(180));
    expect(outbox.factsOf(backlog)).toMatchObject({
      oldestOutstandingSeq: 0,
      pendingFromMs: 1_000 * leaseRecordsMax,
      waiting: 31,
    });
    outbox.acknowledge(backlog);
    outbox.acknowledge(taken(outbox.takeBacklog()));
    const last = taken(outbox.takeLive());
    expect(outbox.factsOf(last)).toEqual({
      oldestOutstandingSeq: 180,
      pendingFromMs: undefined,
      dropped: 0,
      waiting: 0,
    });
  });

  it('tells the earliest time that waits even when the wall clock went back in between', () => {
    const outbox = create('boot');
    [10, 11, 12, 3, 4].forEach((atMs, seq) => outbox.add(record(seq, atMs)));
    const lease = taken(outbox.takeLive());
    [9, 2, 8].forEach((atMs, i) => outbox.add(record(5 + i, atMs)));
    expect(outbox.factsOf(lease)).toMatchObject({ oldestOutstandingSeq: 0, pendingFromMs: 2 });
  });

  it('a record that is no sample says nothing about numbers and times', () => {
    const outbox = create('boot');
    outbox.add({ line: '{"value":"inventory"}', atMs: 5, seq: null });
    const lease = taken(outbox.takeLive());
    outbox.add({ line: '{"value":"inventory"}', atMs: 6, seq: null });
    expect(outbox.factsOf(lease)).toEqual({
      oldestOutstandingSeq: undefined,
      pendingFromMs: undefined,
      dropped: 0,
      waiting: 1,
    });
  });

  it('counts what the collector refused for good', () => {
    const outbox = filled(3);
    outbox.add({ line: '{"value":"inventory"}', atMs: 5, seq: null });
    outbox.discard(taken(outbox.takeLive()));
    outbox.add(record(3));
    expect(outbox.size).toBe(1);
    expect(outbox.factsOf(taken(outbox.takeLive()))).toMatchObject({
      oldestOutstandingSeq: 3,
      dropped: 3,
    });
  });
});
