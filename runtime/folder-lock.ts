/** One program for each data folder: a lock that the kernel releases when the process ends, however it ends. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolderDurably } from './durable-file.ts';
import { messageOf, WindrowError } from './errors.ts';

/** Longer than a look by `isFolderLocked` takes, which is no holder. */
const waitMs = 200;

function lockPath(folder: string): string {
  return join(folder, 'lock.db');
}

/**
 * Takes the folder, making it when missing.
 * @param program what the folder belongs to, for the message: `agent`, `collector`
 * @param setting flag or key that names the folder, for the message
 * @returns how to release it
 * @throws WindrowError `store_unavailable` when another process holds it, or it cannot be used
 */
export function lockFolder(folder: string, program: string, setting = '--data'): () => void {
  let db: DatabaseSync | undefined;
  try {
    makeFolderDurably(folder);
    db = new DatabaseSync(lockPath(folder), { timeout: waitMs });
    // Nothing is ever written: a lock must be had on a full disk too, without a journal's header.
    db.exec('PRAGMA journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    if (isLocked(error)) {
      throw new WindrowError('store_unavailable', `another ${program} runs on ${folder}`, {
        hint: `Stop it, or name another folder with ${setting}.`,
      });
    }
    throw new WindrowError('store_unavailable', `cannot use ${folder}: ${messageOf(error)}`, {
      cause: error,
      hint: `Check that the folder named by ${setting} exists, is writable and has room.`,
    });
  }
  const held = db;
  return () => held.close();
}

/** Whether a running program holds the folder. */
export function isFolderLocked(folder: string): boolean {
  if (!existsSync(lockPath(folder))) return false;
  const db = new DatabaseSync(lockPath(folder), { readOnly: true, timeout: 0 });
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (isLocked(error)) return true;
    throw error;
  } finally {
    db.close();
  }
}

function isLocked(error: unknown): boolean {
  return messageOf(error).includes('locked');
}
