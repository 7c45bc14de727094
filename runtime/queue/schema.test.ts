/** Files that other versions of windrow have left. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { createKeptLog } from '../testing/kept-log.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { openQueueFile, type QueueFile } from './file.ts';
import { QUEUE_MIGRATIONS } from './schema.ts';

/** As windrow 0.1.0 made it, and never to be changed: such files are out there. */
const SCHEMA_1 = `
  CREATE TABLE queue_items (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    lane      TEXT NOT NULL,
    no        INTEGER,
    at_ms     INTEGER NOT NULL,
    checksum  INTEGER NOT NULL,
    body      TEXT NOT NULL
  ) STRICT;
  CREATE INDEX queue_lanes ON queue_items (lane, id);
  CREATE INDEX queue_times ON queue_items (at_ms) WHERE no IS NOT NULL;

  CREATE TABLE queue_dropped (
    lane      TEXT PRIMARY KEY,
    items     INTEGER NOT NULL,
    numbered  INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = 1;
`;
const ITEMS_1 = `
  INSERT INTO queue_items VALUES
    (3, 'boot', 0, 0, 1201894927, '{"seq":0}'),
    (4, 'boot', 1, 1000, 4055630899, '{"seq":1}'),
    (5, 'boot', NULL, 5, 1247354012, '{"facts":{}}');
  INSERT INTO queue_dropped VALUES ('boot', 7, 6);
`;

function fixture(sql: string) {
  const path = join(temporaryFolder(), 'queue.db');
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; ${sql}`);
  db.close();
  const { log, lines } = createKeptLog();
  const open = (): QueueFile => {
    const file = openQueueFile({ path, bytesMax: 2 ** 24, clock: createManualClock(), log });
    onTestFinished(() => file.close());
    return file;
  };
  return { path, lines, open };
}

it('what the first release left is given out whole, and more can be added', () => {
  const { lines, open } = fixture(SCHEMA_1 + ITEMS_1);
  const file = open();
  expect(file.oldest(9)).toEqual([
    { id: 3, lane: 'boot', no: 0, atMs: 0, body: '{"seq":0}' },
    { id: 4, lane: 'boot', no: 1, atMs: 1_000, body: '{"seq":1}' },
    { id: 5, lane: 'boot', no: null, atMs: 5, body: '{"facts":{}}' },
  ]);
  expect(file.dropped('boot')).toEqual({ items: 7, numbered: 6 });
  const next = { lane: 'next', no: 0, atMs: 2_000, body: '{}' };
  file.add([next], { keep: [], mayDropWhenLow: true });
  expect(file.oldest(9)).toHaveLength(4);
  expect(lines).toEqual([]);
});

it('what a newer windrow left is refused, and stays as it is', () => {
  const newer = QUEUE_MIGRATIONS.length + 1;
  const { path, lines, open } = fixture(
    `CREATE TABLE queue_of_tomorrow (id INTEGER); PRAGMA user_version = ${newer}`,
  );
  const before = readFileSync(path);
  expect(open).toThrow(
    expect.objectContaining({
      code: 'store_newer',
      message: expect.stringContaining(`${path} was written by a newer windrow (schema ${newer}`),
    }),
  );
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(readdirSync(dirname(path))).toEqual(['queue.db']);
  expect(lines).toEqual([]);
});

it.each([-1, 1_000_000])('a schema of number %d is damage', (number) => {
  const { lines, open } = fixture(`${SCHEMA_1} PRAGMA user_version = ${number}`);
  expect(open().size).toBe(0);
  expect(lines).toMatchObject([{ level: 'error', msg: 'a damaged file was set aside' }]);
});
