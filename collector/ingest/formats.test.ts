import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { METRICS } from '../../wire/metrics.ts';
import { storedSamples, storedWindows } from '../store/history.ts';
import { count } from '../store/testing/rows.ts';
import { endOfReplay, sample, seedA, seedB, steady } from './testing/records.ts';
import { type Rig, startRig } from './testing/rig.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const fileId = 'f'.repeat(64);

function rig(dataDir = temporaryFolder()): Rig {
  const started = startRig(dataDir);
  onTestFinished(() => {
    if (started.db.isOpen) started.db.close();
  });
  return started;
}

function finals({ db }: Rig) {
  return [...storedWindows(db, everything)].filter((window) => window.final);
}

function column({ db }: Rig, metric: (typeof METRICS)[number]): (number | null)[] {
  return [...storedSamples(db, everything)].map(
    ({ values }) => values[METRICS.indexOf(metric)] ?? null,
  );
}

/** A reading some seconds into the last minute. */
function at(seconds: number, counter: number) {
  const counters = { recv: counter, sent: 2 * counter, read: counter, write: counter };
  return seedB(noonMs - 60_000 + seconds * 1_000, counters);
}

it('a server with four topics closes a window when the slowest topic has passed it, with all in it', async () => {
  const r = rig();
  const fromMs = noonMs - 300_000;
  const lane = (metric: string, key: string, seconds: number) =>
    Array.from({ length: seconds / 10 }, (_, i) =>
      seedA(metric, fromMs + i * 10_000, {
        [key]: i,
        ...(metric === 'net' ? { net_out: i } : {}),
      }),
    );
  await r.send([...lane('cpu', 'cpu_pct', 120), ...lane('mem', 'mem_pct', 120)]);
  const withTwo = finals(r).length;
  expect(withTwo).toBeGreaterThan(3);

  const s = rig();
  await s.send([
    ...lane('disk', 'disk_io', 10),
    ...lane('cpu', 'cpu_pct', 120),
    ...lane('mem', 'mem_pct', 120),
  ]);
  expect(finals(s)).toEqual([]);
  await s.send([...lane('disk', 'disk_io', 120), ...lane('net', 'net_in', 120)]);
  const [, , full] = finals(s);
  expect(s.ingest.counts.late).toBe(0);
  // The window that begins with the first sample: three moments in each of the four lanes.
  expect(full?.startMs).toBe(fromMs);
  expect(full?.aggregates.map((aggregate) => aggregate?.count ?? 0)).toEqual([3, 3, 3, 3, 4, 0]);
});

it('cumulative counters become rates; the first reading and one after a reset have none', async () => {
  const r = rig();
  await r.send([at(0, 1e12), at(2, 1e12 + 4_000)]);
  await r.send([at(4, 1e12 + 4_000), at(6, 500), at(8, 1_500)]);
  expect(column(r, 'net_in')).toEqual([null, 2_000, 0, null, 500]);
  expect(column(r, 'net_out')).toEqual([null, 4_000, 0, null, 1_000]);
  expect(column(r, 'disk_io')).toEqual([null, 4_000, 0, null, 1_000]);
  expect(column(r, 'cpu_pct')).toEqual([12.5, 12.5, 12.5, 12.5, 12.5]);
});

it('a record out of order takes no rate backwards in time, and spoils none of the next ones', async () => {
  const r = rig();
  await r.send([at(0, 0), at(4, 400), at(2, 200), at(6, 600)]);
  expect(column(r, 'net_in')).toEqual([null, null, 100, 100]);
});

it('after a restart the first rate is over the time since the last reading, not from zero', async () => {
  const dataDir = temporaryFolder();
  const first = rig(dataDir);
  const counters = { recv: 1e12, sent: 1e12, read: 1e12, write: 1e12 };
  await first.send([seedB(noonMs - 60_000, counters)]);
  first.crash();
  const second = rig(dataDir);
  await second.send([seedB(noonMs - 58_000, { ...counters, recv: 1e12 + 200 })]);
  expect(column(second, 'net_in')).toEqual([null, 100]);
});

it('after a restart a counter that was absent before makes no rate out of nothing', async () => {
  const dataDir = temporaryFolder();
  const first = rig(dataDir);
  await first.send([seedB(noonMs - 60_000, undefined)]);
  first.crash();
  const second = rig(dataDir);
  await second.send([seedB(noonMs - 58_000, { recv: 1e12, sent: 1e12, read: 1e12, write: 1e12 })]);
  expect(column(second, 'net_in')).toEqual([null, null]);
  expect(column(second, 'disk_io')).toEqual([null, null]);
});

it('a connection test is told to people and is neither a server nor an error', async () => {
  const r = rig();
  const ack = await r.send([
    { topic: 'system_metrics', key: 'machine_46', value: { test: 'connection' } },
    { topic: 'system_metrics', value: { test: 'connection' } },
  ]);
  expect(ack).toMatchObject({ stored: 0, quarantined: 0 });
  expect(r.told).toEqual(['test machine_46', 'test 10.0.0.7']);
  expect(r.registry.size).toBe(0);
});

it('a replayed server stands beside the live one of its name, aligned to its own file', async () => {
  const r = rig();
  const originMs = noonMs - 1_000_003;
  const replayed = steady(originMs, 60, { boot_id: fileId, origin_ms: originMs });
  expect(await r.send([...steady(noonMs - 60_000, 50), ...replayed])).toMatchObject({
    stored: 110,
  });
  expect(r.registry.size).toBe(2);
  await r.send([endOfReplay(fileId, originMs)]);
  expect(r.registry.find('pc', fileId)?.closed).toBe(true);
  const aligned = finals(r).filter(({ startMs }) => (startMs - originMs) % 10_000 === 0);
  expect(aligned.map(({ startMs }) => (startMs - originMs) / 10_000)).toEqual([
    -2, -1, 0, 1, 2, 3, 4, 5,
  ]);
});

it('the end of one replay closes no other and no live server', async () => {
  const r = rig();
  const originMs = noonMs - 1_000_000;
  await r.send([
    ...steady(noonMs - 5_000, 5),
    ...steady(originMs, 5, { boot_id: fileId, origin_ms: originMs }),
    ...steady(originMs, 5, { boot_id: 'e'.repeat(64), origin_ms: originMs }),
  ]);
  await r.send([endOfReplay(fileId, originMs)]);
  expect([...r.registry.all()].map(({ closed }) => closed)).toEqual([false, true, false]);
});

it('a replay that goes on after a kill keeps its rows once, and one with another origin is refused', async () => {
  const r = rig();
  const originMs = noonMs - 1_000_000;
  const rows = steady(originMs, 20, { boot_id: fileId, origin_ms: originMs });
  await r.send(rows.slice(0, 12));
  expect(await r.send(rows)).toMatchObject({ stored: 8, duplicates: 12 });
  const moved = steady(originMs, 1, { boot_id: fileId, origin_ms: originMs + 1, seq: 99 });
  expect(await r.send(moved)).toMatchObject({ stored: 0, quarantined: 1 });
});

it('a replay without its end closes after 24 h without arrival, and not before', async () => {
  const r = rig();
  const originMs = noonMs - 1_000_000;
  await r.send(steady(originMs, 20, { boot_id: fileId, origin_ms: originMs }));
  r.clock.advance(24 * 3_600_000 - 1_000);
  await r.pass(1);
  expect(r.registry.find('pc', fileId)?.closed).toBe(false);
  await r.pass(1);
  expect(r.registry.find('pc', fileId)?.closed).toBe(true);
  expect(finals(r).length).toBe(4);
});

it('old event times of a replay are not late, and its future ones are not refused', async () => {
  const r = rig();
  const originMs = noonMs + 10 * 24 * 3_600_000;
  const ack = await r.send(steady(originMs, 100, { boot_id: fileId, origin_ms: originMs }));
  expect(ack).toMatchObject({ stored: 100, quarantined: 0 });
  expect(r.ingest.counts.late).toBe(0);
});

it('records without a sequence are stored as often as they come: nothing tells a repeat', async () => {
  const r = rig();
  const record = seedA('cpu', noonMs - 60_000, { cpu_pct: 5 });
  expect(await r.send([record, record])).toMatchObject({ stored: 2, duplicates: 0 });
  expect(count(r.db, 'boots')).toBe(0);
});

it('the newest values of formats that send one metric at a time add up to a whole', async () => {
  const r = rig();
  await r.send([
    seedA('cpu', noonMs - 60_000, { cpu_pct: 5 }),
    seedA('mem', noonMs - 60_000, { mem_pct: 6 }),
    seedA('disk', noonMs - 70_000, { disk_io: 7 }),
  ]);
  expect(r.registry.find('server_1', '')?.values.slice(0, 2)).toEqual([5, 6]);
  await r.send([sample({ server_id: 'server_1', ts: noonMs - 65_000, seq: 0, cpu_pct: 99 })]);
  expect(r.registry.find('server_1', '')?.values[0]).toBe(5);
});
