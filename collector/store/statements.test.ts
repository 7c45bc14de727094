import type { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { METRICS } from '../../wire/metrics.ts';
import { mergeFleet } from '../windows/testing/fleet.ts';
import type { ServerWindow } from '../windows/window.ts';
import { openForWriting } from './database.ts';
import { Group } from './group.ts';
import { storedFleetWindows, storedWindows } from './history.ts';
import { storedResult } from './results.ts';
import { GroupStatements } from './statements.ts';
import { addSample, count, sampleRow, sourceRow, windowRow } from './testing/rows.ts';

const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

function fixture() {
  const db = openForWriting(temporaryFolder());
  onTestFinished(() => db.close());
  const statements = new GroupStatements(db);
  const write = (fill: (group: Group) => void): void => {
    const group = new Group();
    fill(group);
    statements.write(group, noonMs);
  };
  return { db, write };
}

function withSources(group: Group, ...numbers: number[]): void {
  for (const sourceNo of numbers) group.sources.set(sourceNo, sourceRow({ sourceNo }));
}

function fleetStart(startMs: number) {
  return { originMs: 0, startMs, endMs: startMs + 30_000 };
}

function fleet(db: DatabaseSync) {
  return [...storedFleetWindows(db, everything)];
}

it('as many samples as there are come whole and in order, each value in its column', () => {
  const { db, write } = fixture();
  const rows = Array.from({ length: 37 }, (_, i) =>
    sampleRow({
      sourceNo: i + 1,
      tsMs: 1_000 + i,
      bootNo: i % 3 === 0 ? null : i,
      seq: i,
      values: METRICS.map((__, metric) => (metric === i % 7 ? Number.NaN : i + metric / 10)),
    }),
  );
  write((group) => {
    rows.forEach((row, i) =>
      addSample(group, { ...row, detail: i % 5 === 0 ? `{"i":${i}}` : undefined }),
    );
  });
  const columns = `source_no, ts, boot_no, seq, ${METRICS.join()}`;
  const stored = db.prepare(`SELECT ${columns} FROM samples ORDER BY rowid`).all();
  expect(stored.map((row) => Object.values(row))).toEqual(
    rows.map(({ sourceNo, tsMs, bootNo, seq, values }) =>
      [
        sourceNo,
        tsMs,
        bootNo,
        seq,
        values.map((value) => (Number.isNaN(value) ? null : value)),
      ].flat(),
    ),
  );
  const details = db.prepare('SELECT source_no, ts, body FROM details').all();
  expect(details).toHaveLength(8);
  expect({ ...details[1] }).toEqual({ source_no: 6, ts: 1_005, body: '{"i":5}' });
});

it('details are stored source by source, those of each as they came', () => {
  const { db, write } = fixture();
  const numbers = [2, 1, 2, 1, 3, 1];
  write((group) => {
    numbers.forEach((sourceNo, i) => addSample(group, { sourceNo, tsMs: 9 - i, detail: `${i}` }));
  });
  const details = db.prepare('SELECT source_no, ts, body FROM details ORDER BY rowid').all();
  expect(details.map((row) => Object.values(row))).toEqual([
    [1, 8, '1'],
    [1, 6, '3'],
    [1, 4, '5'],
    [2, 9, '0'],
    [2, 7, '2'],
    [3, 5, '4'],
  ]);
});

it('a fleet window is the merge of the stored windows of its start, not of another start or origin', () => {
  const { db, write } = fixture();
  const windows: ServerWindow[] = [1, 2, 3].map((source) => windowRow({ source, startMs: 60_000 }));
  write((group) => {
    withSources(group, 1, 2, 3);
    group.sources.set(4, sourceRow({ sourceNo: 4, replayId: 'file', originMs: 60_000 }));
    for (const window of windows) group.windows.push({ window, skewed: false });
    for (const window of [
      windowRow({ source: 1, startMs: 70_000 }),
      windowRow({ source: 4, startMs: 60_000 }),
    ]) {
      group.windows.push({ window, skewed: false });
    }
    group.fleetDue.push(fleetStart(60_000));
  });
  expect(fleet(db)).toEqual([mergeFleet(windows)]);
});

it('a server whose clock is off is left out of the fleet, and is in it again when it is not', () => {
  const { db, write } = fixture();
  const good = windowRow({ source: 1, startMs: 60_000 });
  const skewed = windowRow({ source: 2, startMs: 60_000 });
  write((group) => {
    withSources(group, 1, 2);
    group.windows.push({ window: good, skewed: false }, { window: skewed, skewed: true });
    group.fleetDue.push(fleetStart(60_000));
  });
  expect(fleet(db)).toEqual([mergeFleet([good])]);
  write((group) => {
    group.windows.push({ window: skewed, skewed: false });
    group.fleetDue.push(fleetStart(60_000));
  });
  expect(fleet(db)).toEqual([mergeFleet([good, skewed])]);
});

it('after windows.length was changed, a fleet window mixes no windows of two lengths', () => {
  const { db, write } = fixture();
  const short = windowRow({ source: 1, startMs: 60_000 });
  const long = windowRow({ source: 2, startMs: 60_000, endMs: 120_000 });
  write((group) => {
    withSources(group, 1, 2);
    group.windows.push({ window: short, skewed: false });
    group.fleetDue.push(fleetStart(60_000));
  });
  write((group) => {
    group.windows.push({ window: long, skewed: false });
    group.fleetDue.push({ originMs: 0, startMs: 60_000, endMs: 120_000 });
  });
  expect(fleet(db)).toEqual([mergeFleet([long])]);
});

it('a checkpoint takes the place of the one before, also of a boot that got another number', () => {
  const { db, write } = fixture();
  for (const lastSeenMs of [1, 2]) {
    const state = `{"n":${lastSeenMs}}`;
    write((group) => {
      group.sources.set(1, sourceRow({ sourceNo: 1, lastSeenMs, state }));
      for (const bootNo of [1, 2]) {
        const boot = { bootNo, sourceNo: 1, bootId: `boot-${bootNo}`, sequence: state };
        group.boots.set(bootNo, boot);
      }
    });
  }
  const [source, ...more] = db.prepare('SELECT last_seen_ms, state FROM sources').all();
  expect([{ ...source }, more]).toEqual([{ last_seen_ms: 2, state: '{"n":2}' }, []]);
  write((group) => {
    group.boots.set(3, { bootNo: 3, sourceNo: 1, bootId: 'boot-1', sequence: '{"n":3}' });
  });
  const boots = db.prepare('SELECT boot_no, boot_id, sequence FROM boots ORDER BY boot_no').all();
  expect(boots.map((row) => Object.values(row))).toEqual([
    [2, 'boot-2', '{"n":2}'],
    [3, 'boot-1', '{"n":3}'],
  ]);
});

it('the newest record of a key takes the place of the one before, whoever wrote it', () => {
  const { db, write } = fixture();
  for (const others of [true, false]) {
    const row = { serverId: 'pc', replayId: '', others, body: `{"others":${others}}` };
    write((group) => group.results.set('pc', row));
    expect(storedResult(db, 'pc', '')).toEqual({ result: { others }, others });
  }
});

it('what is pending is remembered until its fleet window is made, even when nobody has windows for it', () => {
  const { db, write } = fixture();
  write((group) => group.fleetPending.push(fleetStart(60_000), fleetStart(70_000)));
  expect(count(db, 'fleet_pending')).toBe(2);
  write((group) => group.fleetDue.push(fleetStart(60_000), fleetStart(70_000)));
  expect([count(db, 'fleet_pending'), count(db, 'fleet_windows')]).toEqual([0, 0]);
});

it('a final window replaces the provisional one of its start, in place', () => {
  const { db, write } = fixture();
  const provisional = windowRow({ source: 1, startMs: 60_000, final: false });
  const final = windowRow({ source: 1, startMs: 60_000, samples: 9, incomplete: true });
  write((group) => {
    withSources(group, 1);
    group.windows.push({ window: provisional, skewed: false });
    group.windows.push({ window: windowRow({ source: 1, startMs: 70_000 }), skewed: false });
  });
  const rowid = () =>
    db.prepare('SELECT rowid FROM windows WHERE start_ms = 60000').get()?.['rowid'];
  const before = rowid();
  write((group) => group.windows.push({ window: final, skewed: false }));
  expect([...storedWindows(db, everything)][0]).toMatchObject({
    samples: 9,
    final: true,
    incomplete: true,
    warmUp: false,
  });
  expect(rowid()).toBe(before);
  expect(count(db, 'windows')).toBe(2);
});

it('a metric that was not measured is NULL in the store, never 0', () => {
  const { db, write } = fixture();
  write((group) => {
    const values = [0, Number.NaN, 1, Number.NaN, -5.5, 1e18];
    group.samples.push(sampleRow({ tsMs: 1, seq: Number.MAX_SAFE_INTEGER, values }));
  });
  expect(db.prepare('SELECT * FROM samples').get()).toMatchObject({
    cpu_pct: 0,
    mem_pct: null,
    net_in: 1,
    net_out: null,
    disk_io: -5.5,
    disk_used_pct: 1e18,
    seq: Number.MAX_SAFE_INTEGER,
    boot_no: null,
  });
});

it('the quarantine keeps the newest 10,000 and no more, however much rubbish comes', () => {
  const { db, write } = fixture();
  db.exec('BEGIN');
  for (let batch = 0; batch < 12; batch += 1) {
    write((group) => {
      for (let i = 0; i < 1_000; i += 1) {
        const reason = `${batch * 1_000 + i}`;
        group.quarantine.push({ atMs: 0, remote: 'r', topic: null, reason, body: '' });
      }
    });
  }
  db.exec('COMMIT');
  const range = db.prepare(
    'SELECT count(*) AS n, min(CAST(reason AS INTEGER)) AS oldest FROM quarantine',
  );
  expect(range.get()).toEqual({ n: 10_000, oldest: 2_000 });
});
