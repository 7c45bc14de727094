/** The one place that writes whole files, and makes folders, so that a power cut takes none of them. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemCodeOf } from './errors.ts';

/** Temp file, fsync, rename, fsync of the folder. Replaces `path` as a whole: after a crash it holds the old text or the new, never a part. */
export function writeFileDurably(path: string, text: string, mode = 0o600): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const fd = openSync(temporary, 'wx', mode);
    try {
      // Not writeSync: on a disk that fills up, one write may take a part and report no error.
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/**
 * Makes a folder that is for our user alone, and those above it, when missing. A file in it that is
 * synced would go with a folder whose own entry is not on the disk.
 */
export function makeFolderDurably(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const end = dirname(resolve(first));
  let folder = resolve(path);
  do {
    folder = dirname(folder);
    syncFolder(folder);
  } while (folder !== end);
}

/** Where it cannot be done, the file system keeps its folders as well as it can: SQLite too goes on then. */
const cannotSync: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP']);

function syncFolder(path: string): void {
  // Windows cannot open a folder for sync, and its rename is already journaled.
  if (process.platform === 'win32') return;
  try {
    const fd = openSync(path, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!cannotSync.has(systemCodeOf(error))) throw error;
  }
}
