/** One collector for each data folder: a lock that the kernel releases when the process ends, however it ends. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { collectorFolder } from './database.ts';

/** @returns how to release it. @throws WindrowError when another collector holds it. */
export function lockFolder(dataDir: string): () => void {
  const folder = collectorFolder(dataDir);
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    db = new DatabaseSync(join(folder, 'lock.db'), { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    if (messageOf(error).includes('locked')) {
      throw new WindrowError('store_unavailable', `another collector runs on ${folder}`, {
        hint: 'Stop it, or name another folder with --data.',
      });
    }
    throw new WindrowError('store_unavailable', `cannot use ${folder}: ${messageOf(error)}`, {
      cause: error,
      hint: 'Check that the folder named by --data exists, is writable and has room.',
    });
  }
  const held = db;
  return () => held.close();
}
