/**
 * How the program finds what belongs to it: in the source tree, or inside a single file.
 *
 * A module names what it needs by a URL relative to its `import.meta.url`. In the source tree that
 * is a file. In a single file the build has given every module the address
 * `windrow:/PATH/FROM/THE/ROOT`, and has put in all that is named so.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { getAssetKeys, getRawAsset } from 'node:sea';
import { fileURLToPath } from 'node:url';

const scheme = 'windrow:';

export const isSingleFile = import.meta.url.startsWith(scheme);

/** Where it is, for people and for the functions below: a path, or an address in the single file. */
export function ownPath(url: URL): string {
  return url.protocol === scheme ? url.href : fileURLToPath(url);
}

/** Whether a path is an address in the single file. */
export function isInside(path: string): boolean {
  return isSingleFile && path.startsWith(`${scheme}/`);
}

/** The bytes of a file, or of one in the single file: those are the executable's own, and cannot be written to. */
export function readOwn(path: string): Buffer {
  return isInside(path) ? Buffer.from(getRawAsset(assetOf(path))) : readFileSync(path);
}

/** The names of all files below a folder, or below one in the single file, with slashes. */
export function listOwn(folder: string): string[] {
  if (isInside(folder)) {
    const prefix = `${assetOf(folder)}/`;
    const inside = getAssetKeys().filter((key) => key.startsWith(prefix));
    return inside.map((key) => key.slice(prefix.length)).sort();
  }
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).replaceAll('\\', '/'))
    .sort();
}

export interface OwnCommand {
  readonly file: string;
  readonly args: readonly string[];
}

/** The command that runs a module of ours in a process of its own. */
export function ownCommand(module: URL, args: readonly string[] = []): OwnCommand {
  const path = ownPath(module);
  const own = isInside(path) ? [path] : [...process.execArgv, path];
  return { file: process.execPath, args: [...own, ...args] };
}

function assetOf(path: string): string {
  return path.slice(`${scheme}/`.length);
}
