/** The one place that writes whole files, and makes folders, so that a power cut takes none of them. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemCodeOf } from './errors.ts';

/** Temp file, fsync, rename, fsync of the folder. Replaces `path` as a whole: after a crash it holds the old content or the new, never a part. */
export function writeFileDurably(path: string, content: string | Uint8Array, mode = 0o600): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const fd = openSync(temporary, 'wx', mode);
    try {
      // Not writeSync: on a disk that fills up, one write may take a part and report no error.
      writeFileSync(fd, content);
      // Whatever the umask: a file of everybody's is to be everybody's.
      fchmodSync(fd, mode);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameDurably(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Gives a file that is synced another name on the same file system; what had that name is gone. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
}

/**
 * Makes a folder that is for our user alone, and those above it, when missing. A file in it that is
 * synced would go with a folder whose own entry is not on the disk.
 */
export function makeFolderDurably(path: string): void {
  const missing: string[] = [];
  let folder = resolve(path);
  while (!isFolder(folder) && folder !== dirname(folder)) {
    missing.push(folder);
    folder = dirname(folder);
  }
  const made: string[] = [];
  try {
    for (const next of missing.toReversed()) {
      if (makeFolder(next)) made.unshift(next);
    }
    for (const next of missing) syncFolder(dirname(next));
  } catch (error) {
    // Whoever tries again would take a folder that is there for one that is on the disk.
    removeEmpty(made);
    throw error;
  }
}

/** From the innermost on. One in which something lies by now stays, and those above it. */
function removeEmpty(folders: readonly string[]): void {
  try {
    for (const folder of folders) rmdirSync(folder);
  } catch {
    // What failed before is told.
  }
}

/**
 * One at a time: where nothing can be made at all, as in /proc, Node's recursive way never ends.
 * @returns whether it was made here
 */
function makeFolder(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    // Another program may have been faster.
    if (!isFolder(path)) throw error;
    return false;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Where it cannot be done, the file system keeps its folders as well as it can: SQLite too goes on then. */
const cannotSync: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP']);

/** Names given in the folder, and taken from it, are on the disk. */
export function syncFolder(path: string): void {
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
