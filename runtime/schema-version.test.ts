import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { assertNotNewer, migrate, schemaVersionOf } from './schema-version.ts';

const FIRST = 'CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT';
const SECOND = 'ALTER TABLE things ADD COLUMN colour TEXT; CREATE INDEX names ON things (name)';

function database(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  return db;
}

it('a file gets what it has not had, once, and keeps what is in it', () => {
  const db = database();
  migrate(db, [FIRST]);
  expect(schemaVersionOf(db)).toBe(1);
  db.exec("INSERT INTO things VALUES (1, 'a')");
  migrate(db, [FIRST, SECOND]);
  migrate(db, [FIRST, SECOND]);
  expect(schemaVersionOf(db)).toBe(2);
  expect(db.prepare('SELECT * FROM things').all()).toEqual([{ id: 1, name: 'a', colour: null }]);
});

it('a migration that fails leaves the file as it was', () => {
  const db = database();
  migrate(db, [FIRST]);
  const fails = 'DROP TABLE things; SELECT * FROM nowhere';
  expect(() => migrate(db, [FIRST, fails])).toThrow('nowhere');
  expect(db.isTransaction).toBe(false);
  expect(schemaVersionOf(db)).toBe(1);
  expect(db.prepare('SELECT count(*) AS n FROM things').get()).toEqual({ n: 0 });
});

it('a newer one is refused by its name and number', () => {
  const db = database();
  migrate(db, [FIRST, SECOND]);
  expect(() => assertNotNewer(db, '/data/x.db', 2)).not.toThrow();
  expect(() => assertNotNewer(db, '/data/x.db', 1)).toThrow(
    expect.objectContaining({
      code: 'store_newer',
      message: '/data/x.db was written by a newer windrow (schema 2, this one knows 1)',
      hint: 'Install that newer windrow again, or name another folder with --data.',
    }),
  );
  expect(() => assertNotNewer(db, '/data/x.db', 1, 'go elsewhere')).toThrow(
    expect.objectContaining({ hint: 'Install that newer windrow again, or go elsewhere.' }),
  );
});
