import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { METRICS } from '../../wire/metrics.ts';
import { endOfReplay, goodbye, inventory, sample, steady } from '../ingest/testing/records.ts';
import { startRig } from '../ingest/testing/rig.ts';
import { openForReading } from '../store/database.ts';
import { Queries } from '../store/queries.ts';
import { RANGES_MINUTES, Views } from './views.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function fixture(startMs = noonMs) {
  const dataDir = temporaryFolder();
  const clock = createManualClock(startMs);
  const rig = startRig(dataDir, clock);
  const reader = openForReading(dataDir);
  onTestFinished(() => {
    reader.close();
    rig.db.close();
  });
  return { rig, clock, views: new Views(rig.registry, new Queries(reader), clock) };
}

const minutesMs = 60_000;

it('an empty store is an empty page, not an error', async () => {
  const { views } = fixture();
  expect(views.fleet()).toMatchObject({ now: noonMs, metrics: METRICS, servers: [] });
  for (const minutes of RANGES_MINUTES) {
    expect((await views.fleetSeries(minutes)).servers).toEqual([]);
  }
  for (const id of [0, 1, -1, 1.5, Number.NaN, 1e9]) {
    expect(views.server(id)).toBeUndefined();
    expect(views.serverSeries(id, 5)).toBeUndefined();
  }
});

it.each([
  [5, 1_000, 300],
  [15, 3_000, 300],
  [60, 10_000, 360],
] as const)(
  '%i minutes are steps of %i ms: %i points, each the mean of its own step',
  async (minutes, stepMs, points) => {
    const { rig, views } = fixture(noonMs + 500);
    await rig.send(steady(noonMs - 90 * minutesMs, 90 * 60 + 1));
    const series = views.serverSeries(1, minutes);
    expect(series?.step_ms).toBe(stepMs);
    expect(series?.times.length).toBe(points);
    const [first = 0] = series?.times ?? [];
    expect(series?.times).toEqual(Array.from({ length: points }, (_, i) => first + i * stepMs));
    const last = (series?.times.at(-1) ?? 0) + stepMs;
    expect(last).toBeGreaterThanOrEqual(noonMs + 500);
    expect(last).toBeLessThan(noonMs + 500 + stepMs);
    // By definition, for every point that lies whole in the past.
    const perStep = stepMs / 1_000;
    const expected = series?.times.slice(0, -1).map((time) => {
      const second = (time - noonMs) / 1_000 + 90 * 60;
      const values = Array.from({ length: perStep }, (_, i) => (second + i) % 100);
      return values.reduce((sum, value) => sum + value, 0) / perStep;
    });
    const shown = series?.values.cpu_pct.slice(0, -1) ?? [];
    expect(shown).toHaveLength(points - 1);
    shown.forEach((value, i) => expect(value).toBeCloseTo(expected?.[i] ?? Number.NaN, 9));
    expect(series?.values.net_in.every((value) => value === null)).toBe(true);
  },
);

it('a decommissioned server is on no list, but its own page still shows what it was', async () => {
  const { rig, views } = fixture();
  await rig.send([
    ...steady(noonMs - 5_000, 5),
    sample({ ts: noonMs, seq: 0, server_id: 'other' }),
  ]);
  const source = rig.registry.find('pc', '');
  if (source === undefined) throw new Error('the server is not known');
  const done = rig.ingest.decommission(source);
  await vi.advanceTimersByTimeAsync(20);
  await done;
  expect(views.fleet().servers.map(({ server_id }) => server_id)).toEqual(['other']);
  expect((await views.fleetSeries(5)).servers.map(({ server_id }) => server_id)).toEqual(['other']);
  expect(views.server(source.sourceNo)).toMatchObject({
    summary: { state: 'decommissioned' },
    delivery: { received: 5 },
  });
});

it('how a server’s samples came, from which run of its agent, and who else takes its name', async () => {
  const { rig, clock, views } = fixture();
  const about = (bootId: string) => ({ server_id: 'pc', boot_id: bootId });
  await rig.send([sample({ ts: noonMs - 9_000, seq: 0, boot_id: 'a' })], about('a'));
  for (const [i, bootId] of ['b', 'a', 'b', 'a'].entries()) {
    const header = { ...about(bootId), sent_at: noonMs + i + 1 };
    await rig.send([sample({ ts: noonMs + i, seq: i + 5, boot_id: bootId })], header);
  }
  await rig.send([sample({ ts: noonMs + 9, seq: 9, boot_id: 'a' })], {
    ...about('a'),
    oldest_outstanding_seq: 3,
    waiting: 500,
  });
  expect(views.server(1)?.delivery).toEqual({
    received: 6,
    late: 0,
    duplicates: 0,
    lost: 2,
    boot: { id: 'a', first_heard_ms: noonMs, started_ms: noonMs - 9_000 },
    conflict: {
      since_ms: noonMs,
      senders: [
        { boot_id: 'b', remote: '10.0.0.7' },
        { boot_id: 'a', remote: '10.0.0.7' },
      ],
    },
  });
  const waiting = { waiting: 500, left_ms: null };
  expect(views.fleet().servers).toMatchObject([{ conflict: true, lost: 2, catch_up: waiting }]);
  clock.advance(60_000);
  expect(views.fleet().servers).toMatchObject([{ catch_up: null }]);
});

it('a gap in the samples is a gap in the chart', async () => {
  const { rig, views } = fixture();
  await rig.send([...steady(noonMs - 60_000, 10), ...steady(noonMs - 10_000, 10, { seq: 10 })]);
  const shown = views.serverSeries(1, 5)?.values.cpu_pct.slice(-60) ?? [];
  expect(shown.map((value) => value !== null)).toEqual([
    ...Array.from({ length: 10 }, () => true),
    ...Array.from({ length: 40 }, () => false),
    ...Array.from({ length: 10 }, () => true),
  ]);
});

/** The different values of a line. */
function there(line: readonly (number | null)[] | undefined): unknown[] {
  return [...new Set(line?.filter((value) => value !== null))];
}

it('lines that are in no column come from the sample’s detail, in every range', async () => {
  const { rig, views } = fixture();
  const cpu = { pct: 3, user: 1, system: 2, iowait: 0.5, steal: 0.25 };
  await rig.send(steady(noonMs - 61_000, 60, { cpu, load1: 0.75, swap_used: 5, disk_read: 8 }));
  for (const minutes of RANGES_MINUTES) {
    const values = views.serverSeries(1, minutes)?.values;
    expect(there(values?.cpu_user), `${minutes}`).toEqual([1]);
    expect(there(values?.cpu_steal)).toEqual([0.25]);
    expect(there(values?.load1)).toEqual([0.75]);
    expect(there(values?.disk_read)).toEqual([8]);
    expect(there(values?.disk_write)).toEqual([]);
  }
});

it('the fleet shows the servers of the last two minutes by name, with mean and maximum of the span', async () => {
  const { rig, clock, views } = fixture();
  await rig.send([goodbye('gone'), ...steady(noonMs - 5_000, 5, { server_id: 'silent' })]);
  clock.advance(2 * minutesMs + 1);
  const nowMs = clock.wallMs();
  await rig.send([
    sample({ server_id: 'b', ts: nowMs - 3_000, seq: 0, cpu_pct: 10, mem_pct: 1 }),
    sample({ server_id: 'b', ts: nowMs - 2_000, seq: 1, cpu_pct: 40 }),
    sample({ server_id: 'a', ts: nowMs - 1_000, seq: 0, mem_pct: 7 }),
  ]);
  const { servers } = await views.fleetSeries(5);
  expect(servers.map(({ server_id }) => server_id)).toEqual(['a', 'b']);
  expect(servers[1]?.cpu_summary).toEqual({ avg: 25, max: 40 });
  expect(servers[1]?.mem_summary).toEqual({ avg: 1, max: 1 });
  expect(servers[0]?.cpu_summary).toEqual({ avg: null, max: null });
  expect(views.fleet().servers.map(({ server_id, state }) => [server_id, state])).toEqual(
    expect.arrayContaining([
      ['silent', 'silent'],
      ['a', 'up'],
      ['b', 'up'],
    ]),
  );
});

it('a server that is off shows its own last minutes, a replayed one those of its file', async () => {
  const { rig, clock, views } = fixture();
  const originMs = noonMs - 10 * 24 * 60 * minutesMs;
  const id = 'f'.repeat(64);
  await rig.send([
    ...steady(noonMs - 60_000, 60),
    goodbye(),
    ...steady(originMs, 60, { server_id: 'file', boot_id: id, origin_ms: originMs }),
    endOfReplay(id, originMs),
  ]);
  clock.advance(24 * 60 * minutesMs);
  const shown = (id: number) =>
    views.serverSeries(id, 5)?.values.cpu_pct.filter((value) => value !== null).length;
  expect([shown(1), shown(2)]).toEqual([60, 60]);
  expect(views.server(1)?.summary.state).toBe('off');
  expect(views.server(2)?.summary).toMatchObject({ replayed: true, state: 'off' });
});

it('one server is shown with its inventory, its newest sample whole and its newest processes', async () => {
  const { rig, views } = fixture();
  const list = { by_cpu: [{ pid: 1, name: 'init', cpu_pct: 1, mem_pct: 1 }], by_mem: [] };
  await rig.send([
    inventory(),
    sample({ ts: noonMs - 2_000, seq: 0, cpu_pct: 1, processes: list }),
    sample({ ts: noonMs - 1_000, seq: 1, cpu_pct: 2, load1: 0.5, uptime_s: 99 }),
  ]);
  expect(views.server(1)).toMatchObject({
    inventory: { facts: { hostname: 'pc' } },
    sample: { server_id: 'pc', ts: noonMs - 1_000, seq: 1, cpu_pct: 2, load1: 0.5, uptime_s: 99 },
    processes: { ts: noonMs - 2_000, list },
  });
  expect(views.server(1)?.sample).not.toHaveProperty('mem_pct');
});

it('processes from long before the newest sample are not shown as if they ran now', async () => {
  const { rig, views } = fixture();
  const list = { by_cpu: [], by_mem: [] };
  await rig.send([
    sample({ ts: noonMs - 11 * minutesMs, seq: 0, processes: list }),
    sample({ ts: noonMs, seq: 1 }),
  ]);
  expect(views.server(1)?.processes).toBeNull();
});

it('a server that has sent nothing but its inventory has a page too', async () => {
  const { rig, clock, views } = fixture();
  await rig.send([inventory()]);
  expect(views.server(1)).toMatchObject({ sample: null, processes: null });
  expect(views.serverSeries(1, 60)?.times.length).toBe(360);
  clock.advance(10 * minutesMs);
  expect(views.serverSeries(1, 60)?.times.length).toBe(360);
  // Everything that the page gets is JSON: no NaN, no Infinity.
  expect(JSON.parse(JSON.stringify(views.fleet()))).toEqual(views.fleet());
});
