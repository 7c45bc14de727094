/**
 * The files that are to be sent: those that are named, and all below the folders that are named.
 *
 * | what                                   | outcome |
 * |----------------------------------------|---|
 * | a file, also an empty or a sparse one  | sent; holes are zeros, which compress |
 * | a folder                               | all below it, by name; an empty one leaves nothing |
 * | a symbolic link that is named          | what it leads to |
 * | a symbolic link in a folder            | left out, so that no loop and no foreign file is sent |
 * | a socket, pipe or device               | left out; named by itself it is a failure |
 * | what cannot be read, or is gone        | a failure; the others are sent |
 * | a name that is not UTF-8, or too long  | a failure: JSON cannot hold it, or the wire does not |
 */
import { isUtf8 } from 'node:buffer';
import type { BigIntStats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { basename, join, posix, resolve } from 'node:path';
import { systemCodeOf } from '../../runtime/errors.ts';
import { fileNameBytesMax, filePathBytesMax } from '../../wire/limits.ts';
import { type Exclusion, isExcluded } from './exclude.ts';
import type { FileVersion, SourceFile } from './plan.ts';

export type Found =
  | { readonly kind: 'file'; readonly file: SourceFile }
  /** Not sent, and not meant to be. */
  | { readonly kind: 'left-out'; readonly path: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly path: string; readonly reason: string };

interface Place {
  readonly path: string;
  readonly relativePath: string;
  /** The same without the name of what was named; empty for that itself. */
  readonly belowPath: string;
  /** By the person, not by a folder. */
  readonly isNamed: boolean;
}

/**
 * Holds the names of the folders between here and the start, and no more, however many files there are.
 * @param exclude what is named is never excluded
 * @param signal ends the walk, wherever it is
 */
export async function* scan(
  paths: readonly string[],
  exclude: readonly Exclusion[],
  signal?: AbortSignal,
): AsyncGenerator<Found> {
  const waiting = paths.map(namedPlace).reverse();
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (signal?.aborted === true) return;
    const { path } = place;
    try {
      const stats = await look(place);
      if (stats.isDirectory()) {
        for (const entry of await entriesOf(place)) {
          if ('kind' in entry) yield entry;
          else if (!isExcluded(entry, exclude)) waiting.push(entry);
        }
      } else {
        yield fileOrNot(place, stats);
      }
    } catch (error) {
      yield { kind: 'failed', path, reason: whyUnreadable(error) };
    }
  }
}

/** Undefined when it is a file no longer. @throws what the system says */
export async function versionNow(path: string): Promise<FileVersion | undefined> {
  const stats = await stat(path, { bigint: true });
  return stats.isFile() ? versionOf(stats) : undefined;
}

export function versionOf({ size, mtimeNs, ino }: BigIntStats): FileVersion {
  return { sizeBytes: Number(size), mtimeNs, inode: ino };
}

/** In a person's words. */
export function whyUnreadable(error: unknown): string {
  const code = systemCodeOf(error);
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'is not there',
    EACCES: 'may not be read by this user',
    EPERM: 'may not be read by this user',
    ELOOP: 'is a loop of symbolic links',
    ENAMETOOLONG: 'has too long a path',
    EIO: 'cannot be read: its disk fails',
  };
  return known[code ?? ''] ?? `cannot be read: ${code ?? String(error)}`;
}

function namedPlace(path: string): Place {
  const absolute = resolve(path);
  // Of the root itself there is no name.
  return { path: absolute, relativePath: basename(absolute), belowPath: '', isNamed: true };
}

function look({ path, isNamed }: Place): Promise<BigIntStats> {
  return isNamed ? stat(path, { bigint: true }) : lstat(path, { bigint: true });
}

function fileOrNot({ path, relativePath, isNamed }: Place, stats: BigIntStats): Found {
  if (stats.isSymbolicLink()) return { kind: 'left-out', path, reason: 'is a symbolic link' };
  if (!stats.isFile()) {
    return { kind: isNamed ? 'failed' : 'left-out', path, reason: 'is no file and no folder' };
  }
  const tooLong =
    Buffer.byteLength(relativePath) > filePathBytesMax ||
    Buffer.byteLength(posix.basename(relativePath)) > fileNameBytesMax;
  if (tooLong) return { kind: 'failed', path, reason: 'has too long a path' };
  return { kind: 'file', file: { path, relativePath, version: versionOf(stats) } };
}

/** The last by name first, as the walk takes them from the end. */
async function entriesOf({ path, relativePath, belowPath }: Place): Promise<(Place | Found)[]> {
  // As bytes: a name that is not UTF-8 would become another one.
  const names = await readdir(path, { encoding: 'buffer' });
  return names
    .sort((a, b) => Buffer.compare(b, a))
    .map((name): Place | Found => {
      const entry = join(path, name.toString());
      if (!isUtf8(name))
        return { kind: 'failed', path: entry, reason: 'has a name that is not UTF-8' };
      return {
        path: entry,
        relativePath: posix.join(relativePath, name.toString()),
        belowPath: posix.join(belowPath, name.toString()),
        isNamed: false,
      };
    });
}
