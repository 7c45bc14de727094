/** A queue's file that cannot be read: how it is told, and how it is set aside so that work goes on. */
import { copyFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { systemCodeOf } from '../errors.ts';

/** Damaged files that are kept for whoever wants to look into them; the oldest go. */
const setAsideMax = 2;
/**
 * Primary result codes of SQLite that a sound file never gives for the statements of a queue:
 * ERROR (a table or column is missing), CORRUPT, CONSTRAINT, NOTADB. Source: sqlite.org/rescode.html
 */
const damageCodes: ReadonlySet<number> = new Set([1, 11, 19, 26]);
/** What a queue's file says when its content makes no sense. */
export class DamagedFileError extends Error {
  override readonly name = 'DamagedFileError';
}

export function isDamage(error: unknown): boolean {
  if (error instanceof DamagedFileError) return true;
  // A number that JavaScript has not: no queue writes such.
  if (systemCodeOf(error) === 'ERR_OUT_OF_RANGE') return true;
  if (!(error instanceof Error) || !('errcode' in error)) return false;
  // The low byte is the primary code; the rest tells where in SQLite.
  return typeof error.errcode === 'number' && damageCodes.has(error.errcode & 0xff);
}

export function walPathOf(path: string): string {
  return `${path}-wal`;
}

/** Bytes of a file; 0 when there is none. */
export function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Renames file and log out of the way. @returns the file's new name */
export function setAside(path: string, atMs: number): string {
  const aside = asideName(path, atMs);
  renameIfThere(path, aside);
  renameIfThere(walPathOf(path), walPathOf(aside));
  rmSync(`${path}-shm`, { force: true });
  removeOldest(path);
  return aside;
}

/** Renames the log alone. @returns its new name */
export function setWalAside(path: string, atMs: number): string {
  const aside = walPathOf(asideName(path, atMs));
  renameIfThere(walPathOf(path), aside);
  rmSync(`${path}-shm`, { force: true });
  removeOldest(path);
  return aside;
}

/** Copies the log aside: SQLite takes what is sound of it. @returns the copy's name */
export function copyWalAside(path: string, atMs: number): string {
  const aside = walPathOf(asideName(path, atMs));
  copyFileSync(walPathOf(path), aside);
  removeOldest(path);
  return aside;
}

function asideName(path: string, atMs: number): string {
  // No colons: Windows has no such file names.
  return `${path}.corrupt-${new Date(atMs).toISOString().replaceAll(/[-:.]/g, '')}`;
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
}

function removeOldest(path: string): void {
  const folder = dirname(path);
  const aside = readdirSync(folder).filter((name) => name.startsWith(`${basename(path)}.corrupt-`));
  const times = [...new Set(aside.map((name) => name.replace(/-wal$/, '')))].sort();
  for (const name of times.slice(0, -setAsideMax)) {
    rmSync(join(folder, name), { force: true });
    rmSync(join(folder, walPathOf(name)), { force: true });
  }
}
