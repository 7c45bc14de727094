import { expect, it, onTestFinished } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { METRICS } from '../../wire/metrics.ts';
import { openForReading, openForWriting } from './database.ts';
import { Group } from './group.ts';
import { storedFleetWindows, storedSamples, storedWindows } from './history.ts';
import { Queries } from './queries.ts';
import { GroupStatements } from './statements.ts';
import { addSample, sampleRow, sourceRow, windowRow } from './testing/rows.ts';

const ALL_NULL = METRICS.map(() => null);
const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

function stored(fill: (group: Group) => void) {
  const dataDir = temporaryFolder();
  const db = openForWriting(dataDir);
  const group = new Group();
  fill(group);
  new GroupStatements(db).write(group, noonMs);
  db.close();
  const reader = openForReading(dataDir);
  onTestFinished(() => reader.close());
  return { reader, queries: new Queries(reader) };
}

function withSamples(...rows: readonly Parameters<typeof addSample>[1][]) {
  return stored((group) => {
    for (const row of rows) addSample(group, row);
  });
}

function cpu(value: number): number[] {
  return METRICS.map((_, i) => (i === 0 ? value : Number.NaN));
}

it('a step’s mean and maximum are of that step, that server and that metric alone', () => {
  const { queries } = withSamples(
    { tsMs: 9_999, values: cpu(99) },
    { tsMs: 10_000, values: cpu(1) },
    { tsMs: 12_999, values: cpu(2) },
    { tsMs: 12_999, values: cpu(77), sourceNo: 2 },
    { tsMs: 13_000, values: cpu(5) },
    { tsMs: 16_000, values: cpu(98) },
  );
  expect(queries.buckets(1, { fromMs: 10_000, toMs: 16_000 }, 3_000)).toEqual([
    { ts: 9_000, means: [1, ...ALL_NULL.slice(1)], maxima: [1, ...ALL_NULL.slice(1)] },
    { ts: 12_000, means: [3.5, ...ALL_NULL.slice(1)], maxima: [5, ...ALL_NULL.slice(1)] },
  ]);
});

it('an unavailable value counts neither into a mean nor as 0', () => {
  const { queries } = withSamples(
    { tsMs: 0, values: cpu(10) },
    { tsMs: 1, values: cpu(Number.NaN) },
  );
  expect(queries.buckets(1, everything, 1_000)[0]?.means[0]).toBe(10);
});

it('details become means over steps, and a line that none of them has is null', () => {
  const { queries } = withSamples(
    { tsMs: 12_500, detail: '{"load1":1,"cpu":{"user":10}}' },
    { tsMs: 12_100, detail: '{"load1":2}' },
    { tsMs: 13_100, detail: '{"disk_read":7}' },
    { tsMs: 13_900 },
    { tsMs: 15_000, detail: '{"load1":99}' },
  );
  const buckets = queries.detailBuckets(1, { fromMs: 12_000, toMs: 15_000 }, 1_000);
  expect(buckets).toMatchObject([
    { ts: 12_000, load1: 1.5, cpu_user: 10, disk_read: null },
    { ts: 13_000, load1: null, disk_read: 7 },
  ]);
  expect(buckets).toHaveLength(2);
});

it('the newest detail is the newest by time and not by arrival', () => {
  const { queries } = withSamples(
    { tsMs: 15_000, detail: '"newest"' },
    { tsMs: 12_100, detail: '"late"' },
  );
  expect(queries.newestDetail(1)).toEqual({ ts: 15_000, body: '"newest"' });
  expect(queries.newestDetail(2)).toBeUndefined();
});

it('top processes are the newest that were taken, and none that are too old', () => {
  const withProcesses = '{"processes":{"by_cpu":[],"by_mem":[]}}';
  const { queries } = withSamples(
    { tsMs: 1_000, detail: withProcesses },
    { tsMs: 2_000, detail: withProcesses },
    { tsMs: 3_000, detail: '{"load1":1}' },
  );
  expect(queries.newestProcesses(1, 0)?.ts).toBe(2_000);
  expect(queries.newestProcesses(1, 2_001)).toBeUndefined();
});

it('the newest sample is the newest by time, with its identity', () => {
  const { queries } = stored((group) => {
    group.boots.set(7, { bootNo: 7, sourceNo: 1, bootId: 'boot', sequence: '{}' });
    group.samples.push(sampleRow({ tsMs: 2_000, bootNo: 7, seq: 42, values: cpu(3) }));
    group.samples.push(sampleRow({ tsMs: 1_000, bootNo: 7, seq: 41 }));
  });
  expect(queries.newestSample(1)).toEqual({
    tsMs: 2_000,
    seq: 42,
    bootId: 'boot',
    values: [3, ...ALL_NULL.slice(1)],
  });
  expect(queries.newestSample(2)).toBeUndefined();
});

it('the newest inventory replaces the one before', () => {
  const { queries } = stored((group) => {
    group.inventories.push({ sourceNo: 1, body: 'old' }, { sourceNo: 1, body: 'new' });
  });
  expect(queries.inventory(1)).toBe('new');
  expect(queries.inventory(2)).toBeUndefined();
});

it('exports are in order of the server’s name as text, then time, however rows arrived', () => {
  const names = ['server-10', 'server-2', 'Ärger', 'server-1'];
  const { reader } = stored((group) => {
    names.forEach((serverId, i) => {
      const sourceNo = i + 1;
      group.sources.set(sourceNo, sourceRow({ sourceNo, serverId }));
      for (const startMs of [20_000, 0, 10_000]) {
        group.windows.push({ window: windowRow({ source: sourceNo, startMs }), skewed: false });
        group.samples.push(sampleRow({ sourceNo, tsMs: startMs, seq: startMs }));
      }
      group.fleetDue.push({ originMs: 0, startMs: i * 10_000, endMs: i * 10_000 + 30_000 });
    });
    group.fleetDue.reverse();
  });
  const expected = ['server-1', 'server-10', 'server-2', 'Ärger'].flatMap((name) =>
    [0, 10_000, 20_000].map((ms) => [name, ms]),
  );
  expect([...storedWindows(reader, everything)].map((w) => [w.serverId, w.startMs])).toEqual(
    expected,
  );
  expect([...storedSamples(reader, everything)].map((s) => [s.serverId, s.tsMs])).toEqual(expected);
  expect([...storedFleetWindows(reader, everything)].map((w) => w.startMs)).toEqual([
    0, 10_000, 20_000,
  ]);
});

it('an export’s span takes its beginning and leaves its end out', () => {
  const { reader } = stored((group) => {
    group.sources.set(1, sourceRow({ sourceNo: 1 }));
    for (const ms of [9_999, 10_000, 19_999, 20_000]) {
      group.windows.push({ window: windowRow({ source: 1, startMs: ms }), skewed: false });
      group.samples.push(sampleRow({ tsMs: ms }));
      group.fleetDue.push({ originMs: 0, startMs: ms, endMs: ms + 30_000 });
    }
  });
  const span = { fromMs: 10_000, toMs: 20_000 };
  expect([...storedWindows(reader, span)].map((w) => w.startMs)).toEqual([10_000, 19_999]);
  expect([...storedFleetWindows(reader, span)].map((w) => w.startMs)).toEqual([10_000, 19_999]);
  expect([...storedSamples(reader, span)].map((s) => s.tsMs)).toEqual([10_000, 19_999]);
});

it('an exported sample tells its identity, and a format without one as null', () => {
  const { reader } = stored((group) => {
    group.sources.set(1, sourceRow({ sourceNo: 1 }));
    group.boots.set(1, { bootNo: 1, sourceNo: 1, bootId: 'boot', sequence: '{}' });
    group.samples.push(sampleRow({ tsMs: 1, bootNo: 1, seq: 3, values: cpu(0.1) }));
    group.samples.push(sampleRow({ tsMs: 2 }));
  });
  expect([...storedSamples(reader, everything)]).toMatchObject([
    { bootId: 'boot', seq: 3, values: [0.1, null, null, null, null, null] },
    { bootId: null, seq: null, values: [1, 2, 3, 4, 5, 6] },
  ]);
});
