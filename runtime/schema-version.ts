/** The schema of an SQLite file: `user_version` counts the migrations that it has had. */
import type { DatabaseSync } from 'node:sqlite';
import { WindrowError } from './errors.ts';
import { inTransaction } from './transaction.ts';

export function schemaVersionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

/**
 * @param path of the file, for the message
 * @param known how many migrations this program has
 * @param folderHint how to use another folder
 * @throws WindrowError `store_newer`
 */
export function assertNotNewer(
  db: DatabaseSync,
  path: string,
  known: number,
  folderHint = 'name another folder with --data',
): void {
  const version = schemaVersionOf(db);
  if (version <= known) return;
  throw new WindrowError(
    'store_newer',
    `${path} was written by a newer windrow (schema ${version}, this one knows ${known})`,
    { hint: `Install that newer windrow again, or ${folderHint}.` },
  );
}

/**
 * Applies those that the file has not had, each as a whole or not at all.
 * @param migrations SQL, append-only
 */
export function migrate(db: DatabaseSync, migrations: readonly string[]): void {
  for (let version = schemaVersionOf(db); version < migrations.length; version += 1) {
    const sql = `${migrations[version]}; PRAGMA user_version = ${version + 1}`;
    inTransaction(db, () => db.exec(sql));
  }
}
