/** What the books of a server say, whatever order its agent sends in and whoever is restarted. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import type { BatchHeader } from '../../wire/records/batch.ts';
import { INVENTORY_TOPIC, type RawRecord } from '../../wire/records/record.ts';
import { FLAG } from '../store/schema.ts';
import { count } from '../store/testing/rows.ts';
import { bootsMax, type Source } from './source.ts';
import { goodbye, inventory, sample, steady } from './testing/records.ts';
import { type Rig, startRig } from './testing/rig.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function rig(dataDir = temporaryFolder()): Rig {
  const started = startRig(dataDir);
  onTestFinished(() => {
    if (started.db.isOpen) started.db.close();
  });
  return started;
}

function pc({ registry }: Rig): Source {
  const source = registry.find('pc', '');
  if (source === undefined) throw new Error('the server is not known');
  return source;
}

/** What a boot of `pc` sends, with its header. */
function from(
  r: Rig,
  bootId: string,
  records: readonly RawRecord[],
  header: Partial<BatchHeader> = {},
) {
  return r.send(records, { server_id: 'pc', boot_id: bootId, ...header });
}

/** Samples [from, to) of a boot. */
function samples(bootId: string, fromSeq: number, toSeq: number): RawRecord[] {
  const fromMs = noonMs - (5_000 - fromSeq) * 1_000;
  return steady(fromMs, toSeq - fromSeq, { boot_id: bootId, seq: fromSeq });
}

it('of a boot that is met in its newest samples the earlier ones are new, not lost and no repeats', async () => {
  const r = rig();
  await from(r, 'a', samples('a', 1_000, 1_011), { oldest_outstanding_seq: 0 });
  await from(r, 'a', samples('a', 0, 600), { oldest_outstanding_seq: 0 });
  await from(r, 'a', samples('a', 600, 1_000), { oldest_outstanding_seq: 600 });
  await from(r, 'a', samples('a', 1_011, 1_012), { oldest_outstanding_seq: 1_011 });
  expect(pc(r).delivery).toMatchObject({ received: 1_012, lost: 0, duplicates: 0 });
});

it('what the sender had no more at first contact is not ours to count, but for what it dropped', async () => {
  const moved = rig();
  await from(moved, 'a', samples('a', 1_000, 1_001), { oldest_outstanding_seq: 400 });
  await from(moved, 'a', samples('a', 400, 1_000), { oldest_outstanding_seq: 400 });
  await from(moved, 'a', samples('a', 1_001, 1_002), { oldest_outstanding_seq: 1_001 });
  expect(pc(moved).delivery).toMatchObject({ received: 602, lost: 0 });

  const dropped = rig();
  const header = { oldest_outstanding_seq: 400, dropped: 150 };
  await from(dropped, 'a', samples('a', 1_000, 1_001), header);
  // Since then 400 to 499 were dropped too: a gap that the next header leaves behind.
  await from(dropped, 'a', samples('a', 500, 1_000), {
    oldest_outstanding_seq: 500,
    dropped: 250,
  });
  expect(pc(dropped).delivery).toMatchObject({ received: 501, lost: 250 });
});

it('each boot of a backlog settles by its own header alone', async () => {
  const r = rig();
  await from(r, 'new', samples('new', 0, 3), { oldest_outstanding_seq: 0, waiting: 900 });
  const backlog = { sent_by: 'new' };
  await from(r, 'old', samples('old', 100, 150), { ...backlog, oldest_outstanding_seq: 100 });
  await from(r, 'new', samples('new', 3, 4), { oldest_outstanding_seq: 3 });
  // 150 to 159 were refused or dropped: they are below what is left of that boot.
  await from(r, 'old', samples('old', 160, 170), { ...backlog, oldest_outstanding_seq: 160 });
  await from(r, 'older', samples('older', 7, 9), {
    ...backlog,
    oldest_outstanding_seq: 7,
    dropped: 2,
  });
  expect(pc(r).delivery).toMatchObject({ received: 4 + 60 + 2, duplicates: 0, lost: 12 });
  expect(pc(r).boots.get('old')?.sequence.lost).toBe(10);
  expect(pc(r).boots.get('older')?.sequence.lost).toBe(2);
  expect(pc(r).boots.get('new')?.sequence.lost).toBe(0);
});

it('of a log only the partition of the samples tells which of them are lost: another may be ahead', async () => {
  const r = rig();
  await from(r, 'a', samples('a', 0, 10), { oldest_outstanding_seq: 0 });
  const place = { topic: INVENTORY_TOPIC, partition: 0, offset: 0 };
  const header = { v: 1, sent_at: noonMs, server_id: 'pc', boot_id: 'a' } as const;
  const came = { isReread: false, isPast: false, isPrompt: true };
  const log = { slot: 0, ...came, hasGap: false, isCut: false };
  r.ingest.take(
    {
      header: { ...header, oldest_outstanding_seq: 60 },
      records: [{ ...inventory(), place }],
      malformed: [],
    },
    { remote: 'kafka', log },
  );
  expect(pc(r).delivery).toMatchObject({ received: 10, lost: 0 });
});

it('a header about another server or boot says nothing of a boot that is new', async () => {
  const r = rig();
  const record = [sample({ ts: noonMs, seq: 50, boot_id: 'b' })];
  await from(r, 'a', record, { oldest_outstanding_seq: 0, dropped: 9 });
  await from(r, 'b', [], { oldest_outstanding_seq: 50 });
  expect(pc(r).delivery.lost).toBe(0);
});

it('a gap that is given up because there are too many is lost in all the books', async () => {
  const r = rig();
  // Gaps after each number, 1,100 of them: the 76 below the newest 1,024 numbers are given up.
  await from(
    r,
    'a',
    Array.from({ length: 1_100 }, (_, i) =>
      sample({ ts: noonMs - 1_100_000 + i * 1_000, seq: 2 * i, boot_id: 'a' }),
    ),
    { oldest_outstanding_seq: 0 },
  );
  expect(pc(r).boots.get('a')?.sequence.lost).toBe(76);
  expect(pc(r).delivery).toMatchObject({ received: 1_100, lost: 76 });
  expect(r.ingest.counts.lost).toBe(76);
});

it('a batch that the network kept says nothing of the clock, also after a kill of the collector', async () => {
  const dataDir = temporaryFolder();
  const before = rig(dataDir);
  const kept = { sent_at: noonMs - 8_000 };
  await from(before, 'a', samples('a', 0, 40));
  await from(before, 'a', samples('a', 40, 80), kept);
  expect(pc(before)).toMatchObject({ clockOffsetMs: 0, skewed: false });
  before.crash();
  const after = rig(dataDir);
  await from(after, 'a', samples('a', 80, 120), kept);
  expect(pc(after)).toMatchObject({ clockOffsetMs: 0, skewed: false });
  expect(count(after.db, 'windows')).toBeGreaterThan(10);
  expect(count(after.db, `windows WHERE flags & ${FLAG.skewed} <> 0`)).toBe(0);
});

it('a clock that was set back shows a minute later, one set forward at once', async () => {
  const r = rig();
  await from(r, 'a', samples('a', 0, 1));
  for (let second = 1; second <= 60; second += 1) {
    r.clock.advance(1_000);
    expect(pc(r).skewed).toBe(false);
    await from(r, 'a', samples('a', second, second + 1), { sent_at: r.clock.wallMs() - 8_000 });
  }
  expect(pc(r)).toMatchObject({ clockOffsetMs: -8_000, skewed: true });
  await from(r, 'a', samples('a', 61, 62), { sent_at: r.clock.wallMs() + 9_000 });
  expect(pc(r)).toMatchObject({ clockOffsetMs: 9_000, skewed: true });
  expect(r.told.filter((told) => told === 'changed pc')).toHaveLength(2);
});

it('received, late, duplicate and lost are kept for each server, and add up to those of all', async () => {
  const r = rig();
  await from(r, 'a', samples('a', 0, 60));
  await from(r, 'a', samples('a', 0, 5));
  await from(r, 'a', [sample({ ts: noonMs - 5_000_000, seq: 70, boot_id: 'a' })], {
    oldest_outstanding_seq: 70,
  });
  await r.send([sample({ ts: noonMs, seq: 0, server_id: 'other' })]);
  expect(pc(r).delivery).toEqual({ received: 61, late: 1, duplicates: 5, lost: 10 });
  expect(r.registry.find('other', '')?.delivery).toMatchObject({ received: 1, lost: 0 });
  expect(r.ingest.counts).toMatchObject({ received: 62, late: 1, duplicates: 5, lost: 10 });
});

it('the books go on after a kill of the collector, with the last boot and an identity conflict', async () => {
  const dataDir = temporaryFolder();
  const before = rig(dataDir);
  for (const [i, bootId] of ['a', 'b', 'a', 'b', 'a'].entries()) {
    await from(before, bootId, samples(bootId, i, i + 1), { sent_at: noonMs + i });
  }
  await from(before, 'a', samples('a', 0, 1), { sent_at: noonMs + 60_000 });
  const { delivery, clockOffsetMs } = pc(before);
  const conflict = pc(before).senders.conflict;
  expect(conflict?.senders.map(({ bootId, remote }) => [bootId, remote])).toEqual([
    ['b', '10.0.0.7'],
    ['a', '10.0.0.7'],
  ]);
  expect(delivery).toMatchObject({ received: 5, duplicates: 1 });
  before.crash();

  const after = rig(dataDir);
  expect(pc(after)).toMatchObject({ delivery, clockOffsetMs, skewed: true });
  expect(pc(after).senders.conflict).toEqual(conflict);
  expect(pc(after).senders.currentBootId).toBe('a');
  expect(pc(after).boots.get('a')).toMatchObject({ firstHeardMs: noonMs });
  expect(pc(after).boots.get('a')?.startedMs).toBe(noonMs - 5_000_000);
  expect(pc(after).boots.get('b')?.startedMs).toBeNull();
  await after.pass(299);
  expect(pc(after).senders.conflict).toBeDefined();
  await after.pass(1);
  expect(pc(after).senders.conflict).toBeUndefined();
  expect(after.told).toContain('changed pc');
});

it('repeats alone, without a header, are in the books after a kill too', async () => {
  const dataDir = temporaryFolder();
  const before = rig(dataDir);
  await before.send(samples('a', 0, 3));
  await before.send(samples('a', 0, 3));
  before.crash();
  expect(pc(rig(dataDir)).delivery).toMatchObject({ received: 3, duplicates: 3 });
});

it('the boot that sends is remembered over a restart, however many boots its backlog has', async () => {
  const dataDir = temporaryFolder();
  const before = rig(dataDir);
  await from(before, 'live', samples('live', 0, 5));
  for (let boot = 0; boot < bootsMax; boot += 1) {
    await before.pass(1);
    await from(before, 'live', samples('live', 5 + boot, 6 + boot));
    await from(before, `b${boot}`, samples(`b${boot}`, 0, 1), { sent_by: 'live' });
  }
  before.crash();
  const after = rig(dataDir);
  await from(after, 'more', samples('more', 0, 1), { sent_by: 'live' });
  expect(await from(after, 'live', samples('live', 0, 5))).toMatchObject({ duplicates: 5 });
});

it('the backlog of an earlier run is no other sender: no conflict, and the last boot stays', async () => {
  const r = rig();
  for (let i = 0; i < 5; i += 1) {
    await from(r, 'new', samples('new', i, i + 1));
    await from(r, 'old', samples('old', i, i + 1), { sent_by: 'new' });
  }
  expect(pc(r).senders.conflict).toBeUndefined();
  expect(pc(r).senders.currentBootId).toBe('new');
});

it('what the network kept or repeats of an earlier boot, however often, is no conflict', async () => {
  const r = rig();
  await from(r, 'a', samples('a', 0, 5), { sent_at: noonMs - 3_000 });
  for (let i = 0; i < 5; i += 1) {
    await from(r, 'b', samples('b', i, i + 1), { sent_at: noonMs + i });
    await from(r, 'a', samples('a', i, i + 1), { sent_at: noonMs - 3_000 });
    await from(r, 'a', samples('a', 5 + i, 6 + i), { sent_at: noonMs - 4_000 - i });
  }
  expect(pc(r).senders.conflict).toBeUndefined();
  expect(pc(r).senders.currentBootId).toBe('b');
  expect(pc(r).delivery).toMatchObject({ received: 15, duplicates: 5 });
});

it('a goodbye counts from the boot that sends, not from the one that was met last', async () => {
  const r = rig();
  await from(r, 'new', samples('new', 0, 1));
  // Of an earlier run, never seen here, that could not deliver its goodbye.
  await from(r, 'old', [...samples('old', 0, 3), goodbye('pc', 'old')], { sent_by: 'new' });
  expect(pc(r).off).toBe(false);
  await from(r, 'new', [goodbye('pc', 'new')]);
  expect(pc(r).off).toBe(true);
});

it('a goodbye that the network kept until the next boot sent does not switch the server off', async () => {
  const r = rig();
  const kept = { sent_at: r.clock.wallMs() - 500 };
  await from(r, 'a', samples('a', 0, 1));
  await from(r, 'b', samples('b', 0, 1));
  await from(r, 'a', [...samples('a', 1, 2), goodbye('pc', 'a')], kept);
  expect(pc(r).off).toBe(false);
});

it('what the network kept of an earlier boot takes nothing from the goodbye of the one that sends', async () => {
  const r = rig();
  const kept = { sent_at: r.clock.wallMs() - 500 };
  await from(r, 'a', samples('a', 0, 1));
  await from(r, 'b', samples('b', 0, 1));
  await from(r, 'a', samples('a', 1, 2), kept);
  await from(r, 'b', [goodbye('pc', 'b')]);
  expect(pc(r).off).toBe(true);
  await from(r, 'a', samples('a', 2, 3), kept);
  expect(pc(r).off).toBe(true);
  expect(pc(r).delivery.received).toBe(4);
});

it('a goodbye counts though its clock has been set back a little', async () => {
  const r = rig();
  await from(r, 'a', samples('a', 0, 1));
  await from(r, 'a', [goodbye('pc', 'a')], { sent_at: r.clock.wallMs() - 8_000 });
  expect(pc(r).off).toBe(true);
});

it('a goodbye of a boot that began after the clock had been set back counts', async () => {
  const r = rig();
  const back = { sent_at: r.clock.wallMs() - 8_000 };
  await from(r, 'a', samples('a', 0, 1));
  await from(r, 'b', samples('b', 0, 1), back);
  await from(r, 'b', [goodbye('pc', 'b')], back);
  expect(pc(r).off).toBe(true);
});

it('what a boot still sends after its goodbye is its backlog: the server stays off', async () => {
  const r = rig();
  await from(r, 'a', [...samples('a', 50, 51), goodbye('pc', 'a')], { oldest_outstanding_seq: 0 });
  await from(r, 'a', samples('a', 0, 50), { oldest_outstanding_seq: 0 });
  await from(r, 'old', samples('old', 0, 5), { sent_by: 'a' });
  expect(pc(r).off).toBe(true);
  expect(pc(r).delivery.received).toBe(56);
  await from(r, 'b', samples('b', 0, 1));
  expect(pc(r).off).toBe(false);
});

it('a server that is decommissioned stays so over a restart and repeats, until it sends something new', async () => {
  const dataDir = temporaryFolder();
  const before = rig(dataDir);
  await from(before, 'a', samples('a', 0, 3));
  const done = before.ingest.decommission(pc(before));
  await vi.advanceTimersByTimeAsync(20);
  await done;
  expect(before.told.at(-1)).toBe('changed pc');
  before.crash();
  const after = rig(dataDir);
  await from(after, 'a', samples('a', 0, 3));
  expect(pc(after).decommissioned).toBe(true);
  await from(after, 'a', samples('a', 3, 4));
  expect(pc(after).decommissioned).toBe(false);
  expect(after.told).toEqual(['changed pc']);
});

it('a decommissioned server holds up no fleet window', async () => {
  const r = rig();
  await r.send([...steady(noonMs - 120_000, 60), ...steady(noonMs - 120_000, 121, OTHER)]);
  const fleet = () => r.db.prepare('SELECT count(*) AS n FROM fleet_windows').get()?.['n'];
  await r.pass(1);
  const held = Number(fleet());
  const done = r.ingest.decommission(pc(r));
  await vi.advanceTimersByTimeAsync(20);
  await done;
  await r.pass(1);
  expect(Number(fleet())).toBeGreaterThan(held + 3);
});

it('an inventory makes a decommissioned server one again', async () => {
  const r = rig();
  await r.send([inventory('pc')]);
  const done = r.ingest.decommission(pc(r));
  await vi.advanceTimersByTimeAsync(20);
  await done;
  await r.send([inventory('pc')]);
  expect(pc(r).decommissioned).toBe(false);
});

it('an outage of a day comes out whole, though its oldest samples come long after its newest', async () => {
  const r = rig();
  const everyMs = 10_000;
  const beganMs = noonMs - 24 * 3_600_000;
  const outage = Array.from({ length: (24 * 3_600_000) / everyMs }, (_, i) =>
    sample({ ts: beganMs + i * everyMs, seq: i, boot_id: 'a', cpu_pct: i % 100 }),
  );
  const pending = { pending_from_ms: beganMs, oldest_outstanding_seq: 0 };
  let seq = outage.length;
  // The newest alone, for ten minutes; only then the backlog begins to drain.
  for (let minute = 0; minute <= 10; minute += 1, seq += 1) {
    const live = sample({ ts: r.clock.wallMs(), seq, boot_id: 'a', cpu_pct: 1 });
    await from(r, 'a', [live], pending);
    r.clock.advance(60_000);
  }
  for (let sent = 0; sent < outage.length; sent += 2_000) {
    const next = beganMs + (sent + 2_000) * everyMs;
    const header = next < noonMs ? { pending_from_ms: next } : {};
    await from(r, 'a', outage.slice(sent, sent + 2_000), {
      ...header,
      oldest_outstanding_seq: sent,
    });
  }
  expect(pc(r).delivery).toEqual({ received: seq, late: 0, duplicates: 0, lost: 0 });
  const windows = (where: string) =>
    count(r.db, `windows WHERE start_ms >= ${beganMs} AND ${where}`);
  expect(windows(`flags & ${FLAG.incomplete} <> 0`)).toBe(0);
  expect(windows(`end_ms <= ${noonMs} AND samples <> 3`)).toBe(0);
  expect(windows(`end_ms <= ${noonMs} AND flags & ${FLAG.final} <> 0`)).toBe(outage.length - 2);
});

it('how much waits comes from the newest header, and is gone when none does', async () => {
  const r = rig();
  await from(r, 'a', samples('a', 0, 1), { waiting: 5_000 });
  await r.pass(5);
  await from(r, 'old', samples('old', 0, 1), { waiting: 4_000, sent_by: 'a' });
  const catchingUp = () => pc(r).catchUp.at(r.clock.monotonicMs());
  expect(catchingUp()).toEqual({ waiting: 4_000, leftMs: 20_000 });
  await from(r, 'a', samples('a', 1, 2));
  expect(catchingUp()).toBeNull();
});

const OTHER = { server_id: 'other' };
