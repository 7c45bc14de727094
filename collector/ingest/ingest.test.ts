import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { METRICS } from '../../wire/metrics.ts';
import { databasePath } from '../store/database.ts';
import { storedSamples, storedWindows } from '../store/history.ts';
import { count } from '../store/testing/rows.ts';
import { sourcesMax } from './registry.ts';
import { goodbye, inventory, sample, steady } from './testing/records.ts';
import { type Rig, startRig } from './testing/rig.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

function rig(): Rig & { dataDir: string } {
  const dataDir = temporaryFolder();
  const started = startRig(dataDir);
  onTestFinished(() => {
    if (started.db.isOpen) started.db.close();
  });
  return { ...started, dataDir };
}

function windowsOf({ db }: Rig) {
  return [...storedWindows(db, everything)];
}

function starts(windows: readonly { readonly startMs: number }[]): number[] {
  return windows.map(({ startMs }) => (startMs - noonMs) / 1_000);
}

/** Why each row is in the quarantine. */
function reasons({ db }: Rig): unknown[] {
  return db
    .prepare('SELECT reason FROM quarantine ORDER BY id')
    .all()
    .map((row) => row['reason']);
}

it('a sample that comes twice is stored and counted once, within a batch and across batches', async () => {
  const r = rig();
  const [first, second] = steady(noonMs - 2_000, 2);
  if (first === undefined || second === undefined) throw new Error('two samples');
  expect(await r.send([first, first])).toMatchObject({ stored: 1, duplicates: 1 });
  expect(await r.send([first, second])).toMatchObject({ stored: 1, duplicates: 1 });
  expect(count(r.db, 'samples')).toBe(2);
  expect(r.ingest.counts).toMatchObject({ received: 2, duplicates: 2, late: 0, lost: 0 });
});

it('the same number of another boot or another server is another sample', async () => {
  const r = rig();
  const records = [
    sample({ ts: noonMs, seq: 0 }),
    sample({ ts: noonMs, seq: 0, boot_id: 'other' }),
    sample({ ts: noonMs, seq: 0, server_id: 'other' }),
  ];
  expect(await r.send(records)).toMatchObject({ stored: 3, duplicates: 0 });
});

it('a sample older than a final window is stored, counted late, and changes no window', async () => {
  const r = rig();
  await r.send(steady(noonMs - 120_000, 60));
  const before = windowsOf(r).filter((window) => window.final);
  expect(before.length).toBeGreaterThan(2);
  await r.send([sample({ ts: noonMs - 119_500, seq: 1_000, cpu_pct: 99 })]);
  expect(r.ingest.counts.late).toBe(1);
  expect(count(r.db, 'samples')).toBe(61);
  expect(windowsOf(r).filter((window) => window.final)).toEqual(before);
});

it('a sample within the lateness is in its windows as if it had come in order', async () => {
  const ordered = rig();
  const shuffled = rig();
  const samples = steady(noonMs - 120_000, 100);
  await ordered.send(samples);
  // Each pair in reverse: one second out of order.
  await shuffled.send(
    samples.flatMap((_, i) => (i % 2 ? samples.slice(i - 1, i + 1).reverse() : [])),
  );
  expect(windowsOf(shuffled)).toEqual(windowsOf(ordered));
  expect(shuffled.ingest.counts.late).toBe(0);
});

it('lost is what the sender no longer has: a gap that may still be filled is not', async () => {
  const r = rig();
  const header = { server_id: 'pc', boot_id: 'boot' };
  await r.send([sample({ ts: noonMs, seq: 0 })], { ...header, oldest_outstanding_seq: 0 });
  await r.send([sample({ ts: noonMs, seq: 5 })], { ...header, oldest_outstanding_seq: 2 });
  expect(r.ingest.counts.lost).toBe(1);
  await r.send(
    [2, 3, 4].map((seq) => sample({ ts: noonMs, seq })),
    { ...header, oldest_outstanding_seq: 2 },
  );
  await r.send([sample({ ts: noonMs, seq: 6 })], { ...header, oldest_outstanding_seq: 6 });
  expect(r.ingest.counts.lost).toBe(1);
});

it('windows wait for samples that the sender announces as pending, and are then complete', async () => {
  const r = rig();
  const about = { server_id: 'pc', boot_id: 'boot' };
  const fromMs = noonMs - 120_000;
  const samples = steady(fromMs, 100);
  await r.send(samples.slice(50), { ...about, pending_from_ms: fromMs });
  expect(windowsOf(r).some((window) => window.final)).toBe(false);
  await r.send(samples.slice(0, 50), about);
  const plain = rig();
  await plain.send(samples, about);
  expect(windowsOf(r).filter((w) => w.final)).toEqual(windowsOf(plain).filter((w) => w.final));
});

it('a goodbye makes the server off and shows its last windows at once; the next sample makes it up', async () => {
  const r = rig();
  await r.send(steady(noonMs - 5_000, 5));
  expect(windowsOf(r)).toEqual([]);
  await r.send([goodbye()]);
  expect(r.registry.find('pc', '')?.off).toBe(true);
  expect(starts(windowsOf(r))).toEqual([-30, -20, -10]);
  await r.send([sample({ ts: noonMs, seq: 0, boot_id: 'next' })]);
  expect(r.registry.find('pc', '')?.off).toBe(false);
  expect(r.told).toEqual(['changed pc', 'changed pc', 'changed pc']);
});

it('a goodbye that arrives after the next boot’s samples does not switch the server off', async () => {
  const r = rig();
  await r.send([sample({ ts: noonMs, seq: 0, boot_id: 'old' })]);
  await r.send([sample({ ts: noonMs, seq: 0, boot_id: 'new' })]);
  await r.send([goodbye('pc', 'old')]);
  expect(r.registry.find('pc', '')?.off).toBe(false);
  await r.send([goodbye('nobody', 'old')]);
  expect(r.registry.size).toBe(1);
});

it('a silent server’s windows close after 30 s by the monotonic clock, whatever the wall clock does', async () => {
  const r = rig();
  await r.send(steady(noonMs - 5_000, 5));
  r.clock.setWall(noonMs + 24 * 3_600_000);
  await r.pass(30);
  expect(windowsOf(r)).toEqual([]);
  r.clock.setWall(noonMs - 3_600_000);
  await r.pass(1);
  expect(starts(windowsOf(r))).toEqual([-30, -20, -10]);
  expect(windowsOf(r).every((window) => !window.final)).toBe(true);
});

it('a server that samples once a minute is not silent after 30 s but after five minutes', async () => {
  const r = rig();
  await r.send([0, 1, 2].map((i) => sample({ ts: noonMs - (2 - i) * 60_000, seq: i })));
  const shown = windowsOf(r).length;
  await r.pass(300);
  expect(windowsOf(r).length).toBe(shown);
  await r.pass(1);
  expect(windowsOf(r).length).toBeGreaterThan(shown);
});

it('a sample more than 24 h ahead is quarantined: one broken clock must not stop windows for a day', async () => {
  const r = rig();
  const dayMs = 24 * 3_600_000;
  const ack = await r.send([
    sample({ ts: noonMs + dayMs + 1, seq: 0 }),
    sample({ ts: noonMs + dayMs, seq: 1 }),
  ]);
  expect(ack).toMatchObject({ stored: 1, quarantined: 1 });
  expect(reasons(r)).toEqual(['time is more than 24 h in the future']);
});

it('one sample from a clock that jumped ahead makes none of the later ones late', async () => {
  const r = rig();
  await r.send([sample({ ts: noonMs + 3_600_000, seq: 0 })]);
  await r.send(steady(noonMs - 3_000, 3, { seq: 1 }));
  expect(r.ingest.counts.late).toBe(0);
});

it('what has no valid form is put aside with its reason, bounded, and the rest of the batch counts', async () => {
  const r = rig();
  const ack = await r.send([
    sample({ ts: noonMs, seq: 0 }),
    { topic: 'windrow-samples', value: { v: 1, server_id: 'x'.repeat(5_000) } },
    { topic: `topic-${'x'.repeat(5_000)}`, value: {} },
    { value: 'text' },
    sample({ ts: noonMs, seq: 1 }),
  ]);
  expect(ack).toMatchObject({ stored: 2, quarantined: 3 });
  const rows = r.db.prepare('SELECT * FROM quarantine ORDER BY id').all();
  expect(rows).toMatchObject([
    { topic: 'windrow-samples', remote: '10.0.0.7', at_ms: noonMs },
    { reason: 'topic is not known' },
    { topic: null, reason: 'value is not a JSON object', body: '"text"' },
  ]);
  expect(String(rows[0]?.['body']).length).toBe(1_000);
  expect(String(rows[1]?.['topic']).length).toBe(200);
});

it('malformed records fill the log at one line in ten seconds, which says how many there were', async () => {
  const r = rig();
  const rubbish = Array.from({ length: 500 }, () => ({ value: null }));
  await r.send(rubbish);
  await r.send(rubbish);
  r.clock.advance(10_000);
  await r.send(rubbish.slice(0, 1));
  const told = r.lines.filter(({ msg }) => msg === 'malformed record quarantined');
  expect(told.map((line) => line['records'])).toEqual([1, 1_000]);
});

it('of what cannot be read in a log no more waits for the commit than is kept, however much comes', () => {
  const r = rig();
  const place = { topic: 'windrow-samples', partition: 0 };
  for (let offset = 0; offset < 10_010; offset += 1) {
    r.ingest.rejectAt({ ...place, offset }, { reason: 'broken', body: '' });
  }
  const { quarantine } = r.writer.group;
  expect(quarantine).toHaveLength(10_000);
  expect(quarantine.at(-1)?.remote).toBe('kafka windrow-samples/0@10009');
  expect(r.ingest.counts.quarantined).toBe(10_010);
});

it('with the store unavailable a batch is refused before it changes anything; the refused one is stored once', async () => {
  const r = rig();
  await r.send(steady(noonMs - 10_000, 1));
  const other = new DatabaseSync(databasePath(r.dataDir));
  other.exec('BEGIN IMMEDIATE');
  const refused = steady(noonMs - 9_000, 3, { seq: 1 });
  await expect(r.send(refused)).rejects.toMatchObject({ code: 'store_unavailable' });
  const received = r.ingest.counts.received;
  await expect(r.send(steady(noonMs - 6_000, 3, { seq: 4 }))).rejects.toMatchObject({
    code: 'store_unavailable',
    retryable: true,
  });
  expect(r.ingest.counts.received).toBe(received);
  other.close();
  await vi.advanceTimersByTimeAsync(1_000);
  // The sender has no acknowledgment, so both come again.
  expect(await r.send(refused)).toMatchObject({ stored: 0, duplicates: 3 });
  expect(await r.send(steady(noonMs - 6_000, 3, { seq: 4 }))).toMatchObject({ stored: 3 });
  expect([...storedSamples(r.db, everything)].map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

it('names from the wire are bounded: beyond 50,000 servers a new one is quarantined, known ones go on', async () => {
  const r = rig();
  for (let i = r.registry.size; i < sourcesMax - 1; i += 1) {
    r.registry.create({ serverId: `s${i}`, replayId: '', originMs: 0 });
  }
  await r.send([sample({ ts: noonMs, seq: 0 })]);
  const ack = await r.send([
    sample({ ts: noonMs, seq: 0, server_id: 'one too many' }),
    inventory('one too many'),
    sample({ ts: noonMs, seq: 1 }),
  ]);
  expect(ack).toMatchObject({ stored: 1, quarantined: 2 });
  expect(reasons(r)).toEqual(['more than 50000 servers', 'more than 50000 servers']);
  expect(r.registry.size).toBe(sourcesMax);
});

it('an inventory is kept per server, the newest one', async () => {
  const r = rig();
  await r.send([inventory(), inventory('other')]);
  await r.send([inventory()]);
  expect(count(r.db, 'inventories')).toBe(2);
});

it('values that a sample lacks are unavailable in store and windows, never 0', async () => {
  const r = rig();
  await r.send(
    steady(noonMs - 100_000, 60).map(({ topic, value }) => ({
      topic,
      value: { ...(value as object), cpu_pct: undefined, mem_pct: 1 },
    })),
  );
  const window = windowsOf(r).at(0);
  expect(METRICS.map((_, i) => window?.aggregates[i] === null)).toEqual([
    true,
    false,
    true,
    true,
    true,
    true,
  ]);
});
