/**
 * Files of code from inside the single file on a disk, from where the system can load them.
 *
 * A file is named by the hash of its content, in a folder of this user alone. What is loaded is what
 * was hashed: the file is opened once, checked through that descriptor, and loaded through it. So
 * neither a file that somebody has put there nor two programs that start at once do any harm.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemCodeOf } from './errors.ts';

/** In a service's own folder. */
export const codeFolder = 'code';
const othersMayWrite = 0o022;

export interface Extracted extends Disposable {
  /** Good until it is disposed of. */
  readonly path: string;
}

/**
 * Where to try, best first. A home may be read-only, and a folder for temporary files is shared. A
 * service of Windows has its own alone: any user may write into its temporary files' folder, and
 * here no file tells whose it is.
 */
export function extractionFolders(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string[] {
  const user = process.getuid?.() ?? 'user';
  const service = env['CACHE_DIRECTORY'];
  const isWindows = platform === 'win32';
  if (isWindows && service !== undefined) return [join(service, codeFolder)];
  const caches = isWindows
    ? env['LOCALAPPDATA']
    : env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return [
    ...(service === undefined ? [] : [join(service, codeFolder)]),
    ...(caches === undefined ? [] : [join(caches, 'windrow')]),
    join(tmpdir(), `windrow-${user}`),
  ];
}

/** What to do when none of `extractionFolders` can be used; the same arguments. */
export function extractionHint(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const isWindows = platform === 'win32';
  if (isWindows && env['CACHE_DIRECTORY'] !== undefined) {
    return "The service's folder must be one that it may write, from which code may run: `service install` makes it so.";
  }
  const variables = isWindows ? 'LOCALAPPDATA or TEMP' : 'XDG_CACHE_HOME or TMPDIR';
  return `Let ${variables} be a folder that this user may write, from which code may run.`;
}

/** @throws Error when the folder cannot be this user's alone, or cannot be written */
export function extractedTo(folder: string, bytes: Uint8Array): Extracted {
  makeOwnFolder(folder);
  const hash = sha256(bytes);
  const path = join(folder, `${hash}.node`);
  const fd = openChecked(path, hash) ?? openPlaced(path, hash, bytes);
  return {
    path: process.platform === 'linux' ? `/proc/self/fd/${fd}` : path,
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function makeOwnFolder(folder: string): void {
  makeFolder(dirname(folder));
  makeFolder(folder);
  const about = lstatSync(folder);
  if (!about.isDirectory() || !isOursAlone(about)) throw new Error('is not for this user alone');
}

/** One at a time: where nothing can be made at all, as in /proc, Node's recursive way never ends. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
}

/** The descriptor of the file, when it is ours and has this content; undefined otherwise. */
function openChecked(path: string, hash: string): number | undefined {
  let fd: number;
  try {
    // Not through a link; Windows knows no such flag.
    fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'ELOOP') return undefined;
    throw error;
  }
  const about = fstatSync(fd);
  if (about.isFile() && isOursAlone(about) && sha256(readFileSync(fd)) === hash) return fd;
  closeSync(fd);
  return undefined;
}

/** Its descriptor, once it is there. */
function openPlaced(path: string, hash: string, bytes: Uint8Array): number {
  let failure: unknown;
  try {
    place(path, bytes);
  } catch (error) {
    // Windows lets nobody replace what another program has placed just now, and has loaded.
    failure = error;
  }
  const fd = openChecked(path, hash);
  if (fd !== undefined) return fd;
  throw failure ?? new Error(`${path} is not what was written to it`);
}

/** Takes the place of whatever is there, as a whole. */
function place(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    writeFileSync(temporary, bytes, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Windows has neither: there the folder's own rights keep others out. */
function isOursAlone({ uid, mode }: Stats): boolean {
  const own = process.getuid?.();
  return own === undefined || (uid === own && (mode & othersMayWrite) === 0);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
