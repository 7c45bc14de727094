/** Windows that were stored as JSON, before there was `windows.figures`, beside those stored since. */
import { mkdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { METRICS } from '../../wire/metrics.ts';
import { serverFigures } from '../alerts/rules/expression.ts';
import { windowsAround, windowsInTime } from '../alerts/store.ts';
import { tableCsv, WINDOWS_TABLE } from '../commands/tables.ts';
import { mergeFleet } from '../windows/testing/fleet.ts';
import type { ServerWindow } from '../windows/window.ts';
import { collectorFolder, databasePath, openForReading, openForWriting } from './database.ts';
import { Group } from './group.ts';
import { storedFleetWindows, storedWindows } from './history.ts';
import { Queries } from './queries.ts';
import { MIGRATIONS } from './schema.ts';
import { GroupStatements } from './statements.ts';
import { aggregateOf, jsonOf, sourceRow, windowRow } from './testing/rows.ts';

/** Migrations that such a store has had. */
const before = MIGRATIONS.slice(0, 9);
const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

/** As a format of fewer metrics leaves it, its panes so full that there are no quantiles. */
const partly = windowRow({
  source: 2,
  startMs: 60_000,
  aggregates: METRICS.map((_, i) =>
    i % 2 === 1 ? null : { ...aggregateOf(i / 3), max: 5 + i, p50: null, p95: null, p99: null },
  ),
});
const old: ServerWindow[] = [
  windowRow({ source: 1, startMs: 60_000 }),
  windowRow({ source: 1, startMs: 70_000, final: false }),
  partly,
];

function storeOfBefore(windows: readonly ServerWindow[]): string {
  const dataDir = temporaryFolder();
  mkdirSync(collectorFolder(dataDir), { recursive: true });
  using db = new DatabaseSync(databasePath(dataDir));
  db.exec(`${before.join(';')}; PRAGMA user_version = ${before.length}`);
  const source = db.prepare("INSERT INTO sources VALUES (?,?,'',0,0,'{}')");
  for (const no of [1, 2, 3]) source.run(no, `server-${no}`);
  const window = db.prepare('INSERT INTO windows VALUES (?,?,?,?,?,?)');
  for (const { source: no, startMs, endMs, samples, final, aggregates } of windows) {
    window.run(no, startMs, endMs, samples, Number(final), jsonOf(aggregates));
  }
  return dataDir;
}

/** The same store, made by this windrow. */
function storeOfNow(windows: readonly ServerWindow[]): string {
  const dataDir = temporaryFolder();
  using db = openForWriting(dataDir);
  write(db, windows);
  return dataDir;
}

function write(db: DatabaseSync, windows: readonly ServerWindow[], fleetStartsMs: number[] = []) {
  const group = new Group();
  for (const no of [1, 2, 3]) group.sources.set(no, sourceRow({ sourceNo: no }));
  for (const window of windows) group.windows.push({ window, skewed: false });
  for (const startMs of fleetStartsMs) {
    group.fleetDue.push({ originMs: 0, startMs, endMs: startMs + 30_000 });
  }
  new GroupStatements(db).write(group, noonMs);
}

function forWriting(dataDir: string): DatabaseSync {
  const db = openForWriting(dataDir);
  onTestFinished(() => db.close());
  return db;
}

/** What exports and alerts read, also beside no collector. */
function exported(db: DatabaseSync) {
  return {
    windows: [...storedWindows(db, everything)],
    csv: [...tableCsv(WINDOWS_TABLE, storedWindows(db, everything))],
    inTime: [...windowsInTime(db, everything)],
    around: windowsAround(db, 'server-2', { ...everything, countMax: 9 }),
  };
}

function charts(db: DatabaseSync) {
  const queries = new Queries(db);
  return [1, 2, 3].map((no) => queries.windows(no, everything, 1_000));
}

it('a store of before tells the same windows, charts and exports as one that is made anew', () => {
  const dataDir = storeOfBefore(old);
  using anew = openForReading(storeOfNow(old));
  const expected = exported(anew);
  expect(expected.windows.map(({ aggregates }) => aggregates)).toEqual(
    old.map(({ aggregates }) => aggregates),
  );
  expect(expected.around.map(({ figures }) => figures)).toEqual([
    serverFigures(partly, 'server-2'),
  ]);
  {
    // Nothing but an earlier windrow has opened it yet.
    using unmigrated = openForReading(dataDir);
    expect(exported(unmigrated)).toEqual(expected);
  }
  const db = forWriting(dataDir);
  expect(exported(db)).toEqual(expected);
  expect(charts(db)).toEqual(charts(anew));
  expect(charts(db)[1]).toMatchObject([
    {
      means: [0, null, 2 / 3, null, 4 / 3, null],
      maxima: [5, null, 7, null, 9, null],
    },
  ]);
});

it('a window of the fleet is made of old rows, of new ones, and of both', () => {
  const db = forWriting(storeOfBefore(old));
  const later = [1, 2].map((source) => windowRow({ source, startMs: 80_000 }));
  const third = windowRow({ source: 3, startMs: 60_000 });
  write(db, later, [60_000, 80_000]);
  expect([...storedFleetWindows(db, everything)]).toEqual([
    mergeFleet([old[0]!, partly]),
    mergeFleet(later),
  ]);
  write(db, [third], [60_000]);
  expect([...storedFleetWindows(db, everything)][0]).toEqual(mergeFleet([old[0]!, partly, third]));
});

it('a final window takes the place of all that an old row has', () => {
  const db = forWriting(storeOfBefore(old));
  const aggregates = METRICS.map((_, i) => aggregateOf(99 + i));
  const final = windowRow({ source: 1, startMs: 70_000, aggregates });
  write(db, [final]);
  expect([...storedWindows(db, everything)][1]).toMatchObject({ final: true, aggregates });
  const row = db.prepare('SELECT aggregates, figures FROM windows WHERE start_ms = 70000').get();
  expect(row).toEqual({ aggregates: '', figures: expect.any(Uint8Array) });
});

it('windows of one commit come back each as it was', () => {
  const windows = [
    windowRow({ source: 1, startMs: 60_000 }),
    partly,
    windowRow({ source: 3, startMs: 60_000 }),
    windowRow({ source: 3, startMs: 70_000, aggregates: METRICS.map(() => null) }),
  ];
  using db = openForReading(storeOfNow(windows));
  expect([...storedWindows(db, everything)].map(({ aggregates }) => aggregates)).toEqual(
    windows.map(({ aggregates }) => aggregates),
  );
});
