/** How servers that other collectors take in look here. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import { settle, startCollector } from '../cluster/results/testing/rig.ts';
import { inventory, steady } from '../ingest/testing/records.ts';
import { openForReading } from '../store/database.ts';
import { Queries } from '../store/queries.ts';
import { countConditions, liveFigures } from './figures.ts';
import { Views } from './views.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function fixture() {
  const clock = createManualClock(noonMs + 60_000);
  const topicLog = createMemoryLog({ topics: { [WINDOW_RESULTS_TOPIC]: 2 }, clock });
  const [one, two] = (['one', 'two'] as const).map((id) => {
    const dataDir = temporaryFolder();
    const collector = startCollector({ dataDir, id, topicLog, clock });
    const reader = openForReading(dataDir);
    onTestFinished(() => {
      reader.close();
      collector.db.close();
    });
    const views = new Views(collector.registry, new Queries(reader), clock);
    return Object.assign(collector, { views });
  });
  return { clock, one: one!, two: two! };
}

/** The points of a line that are there. */
const points = (times: readonly number[], line: readonly (number | null)[]) =>
  times.flatMap((ts, i) => (typeof line[i] === 'number' ? [[(ts - noonMs) / 1_000, line[i]]] : []));

it('it stands among the others, with the averages of its newest window and whose it is', async () => {
  const { one, two } = fixture();
  await two.send(steady(noonMs, 10, { server_id: 'own' }));
  await one.send([...steady(noonMs, 55, { mem_pct: 40 }), inventory()]);
  await settle();
  const { servers } = two.views.fleet();
  expect(servers.map(({ server_id, owner, state }) => [server_id, owner, state])).toEqual([
    ['own', null, 'up'],
    ['pc', { url: 'http://one:7861', id: 1 }, 'up'],
  ]);
  // The window that ends at 40 s: the values 10 to 39.
  expect(servers[1]).toMatchObject({
    ts: noonMs + 40_000,
    values: [24.5, 40, null, null, null, null],
  });
  const id = servers[1]?.id ?? 0;
  expect(two.views.server(id)).toMatchObject({
    summary: servers[1],
    sample: null,
    processes: null,
    inventory: null,
  });
  expect(one.views.fleet().servers).toMatchObject([{ server_id: 'pc', owner: null }]);
});

it('its charts are of its windows, each at its end', async () => {
  const { one, two } = fixture();
  await one.send(steady(noonMs, 56, { disk_io: 7 }));
  await settle();
  const id = two.registry.find('pc', '')?.sourceNo ?? 0;
  for (const [minutes, stepS] of [
    [5, 1],
    [60, 10],
  ] as const) {
    const at = (endS: number) => endS - stepS;
    const expected = [
      [at(10), 4.5],
      [at(20), 9.5],
      [at(30), 14.5],
      [at(40), 24.5],
      [at(50), 34.5],
    ];
    const series = two.views.serverSeries(id, minutes);
    expect(points(series?.times ?? [], series?.values.cpu_pct ?? [])).toEqual(expected);
    expect(series?.values.load1.every((value) => value === null)).toBe(true);
    const { times, servers } = await two.views.fleetSeries(minutes);
    expect(points(times, servers[0]?.cpu ?? [])).toEqual(expected);
    // The mean of the windows, and the largest single value of any.
    expect(servers[0]?.cpu_summary).toEqual({ avg: 17.5, max: 49 });
    expect(servers[0]?.mem_summary).toEqual({ avg: null, max: null });
  }
});

it('after it came over, windows stand where its samples went to the other collector', async () => {
  const { one, two, clock } = fixture();
  const early = steady(noonMs, 60);
  await one.send(early);
  await settle();
  one.release();
  clock.advance(30_000);
  await two.send(steady(noonMs + 60_000, 20, { seq: 60 }));
  const id = two.registry.find('pc', '')?.sourceNo ?? 0;
  expect(two.views.server(id)?.summary.owner).toBeNull();
  const series = two.views.serverSeries(id, 5);
  const shown = points(series?.times ?? [], series?.values.cpu_pct ?? []);
  expect(shown.map(([second]) => second)).toEqual([
    9,
    19,
    29,
    39,
    49,
    ...Array.from({ length: 20 }, (_, i) => 60 + i),
  ]);
});

it('its counts are its collector’s to tell, its state everybody’s', async () => {
  const { one, two, clock } = fixture();
  const now = () => ({ nowMs: clock.wallMs(), hearing: { unheardMs: () => Infinity } });
  await one.send(steady(noonMs, 60));
  await settle();
  for (const { registry } of [one, two]) {
    expect(countConditions(registry.all(), now())).toMatchObject({ up: 1, silent: 0 });
  }
  const names = ({ registry }: typeof one) =>
    [...liveFigures(registry.all(), now())].map(({ serverId }) => serverId);
  expect([names(one), names(two)]).toEqual([['pc'], []]);
});
