/**
 * What strace saw of a process' files, in order. A call that others' calls came between stands on
 * two lines, its begin and its end; what stands on one line happened at once.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Those that change what is on a disk, and the syncs. */
const traced =
  'pwrite64,write,pwritev,writev,fdatasync,fsync,ftruncate,fallocate,unlink,unlinkat,rename,renameat,renameat2,openat,mkdir';
/** Longer than any write of SQLite's. */
const stringBytesMax = 1024 * 1024;
const runMsMax = 120_000;

export type Change =
  | { readonly kind: 'write'; readonly path: string; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'append'; readonly path: string; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'create'; readonly path: string; readonly isFolder: boolean }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'sync'; readonly path: string };

/** `id` joins a begin with its end. */
export type SystemCall =
  | { readonly phase: 'begin'; readonly id: string; readonly change: Change }
  | { readonly phase: 'end'; readonly id: string; readonly failed: boolean };

/** Runs a program of ours that kills itself; its calls are added to `log`. */
export function straced(log: string, args: readonly string[]): void {
  const options = ['-f', '-y', '-xx', '-s', String(stringBytesMax), '-e', `trace=${traced}`];
  try {
    const own = [...options, '-A', '-o', log, process.execPath, ...args];
    execFileSync('strace', own, { stdio: ['ignore', 'ignore', 'pipe'], timeout: runMsMax });
  } catch (error) {
    // It ends as the program that it ran did.
    if ((error as { readonly signal?: unknown }).signal !== 'SIGKILL') throw error;
    return;
  }
  throw new Error('the program ended by itself');
}

/**
 * Those that change what is below a folder.
 * @throws when one of them was not foreseen
 */
export function* systemCallsBelow(folder: string, log: string): Generator<SystemCall> {
  const open = new Set<string>();
  for (const line of readFileSync(log, 'latin1').split('\n')) {
    const [, pid = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. \w+ resumed>.* = (-?\d+)/.exec(text);
    if (resumed !== null) {
      // A thread has one call at a time.
      if (open.delete(pid)) yield { phase: 'end', id: pid, failed: resumed[1] === '-1' };
      continue;
    }
    const change = changeOf(text);
    if (change === undefined || !isIn(folder, change.path)) continue;
    if (change.kind === 'unknown') throw new Error(`an unforeseen call: ${text.slice(0, 200)}`);
    yield { phase: 'begin', id: pid, change };
    if (text.endsWith('<unfinished ...>')) open.add(pid);
    else yield { phase: 'end', id: pid, failed: / = -1 /.test(text) };
  }
}

function isIn(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function changeOf(text: string): Change | { kind: 'unknown'; path: string } | undefined {
  const [, name, rest = ''] = /^(\w+)\((.*)$/.exec(text) ?? [];
  const fdPath = /^\d+<([^>]*)>/.exec(rest)?.[1];
  const strings = [...rest.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex]) => decoded(hex));
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = strings;
  const path = fdPath === undefined ? first.toString() : decoded(fdPath).toString();
  switch (name) {
    case undefined:
      return undefined;
    case 'pwrite64':
      return { kind: 'write', path, at: numberIn(rest, /", \d+, (\d+)/), bytes: first };
    case 'write':
      return { kind: 'append', path, bytes: first };
    case 'ftruncate':
      return { kind: 'truncate', path, size: numberIn(rest, />, (\d+)/) };
    case 'fsync':
    case 'fdatasync':
      return { kind: 'sync', path };
    case 'openat':
      return rest.includes('O_CREAT')
        ? { kind: 'create', path: first.toString(), isFolder: false }
        : undefined;
    case 'mkdir':
      return { kind: 'create', path, isFolder: true };
    case 'unlink':
      return { kind: 'remove', path };
    case 'rename':
      return { kind: 'rename', path, to: second.toString() };
    default:
      return { kind: 'unknown', path };
  }
}

/** @throws when none is there, as where strace cut a text off */
function numberIn(text: string, pattern: RegExp): number {
  const number = pattern.exec(text)?.[1];
  if (number === undefined) throw new Error(`no number in ${text.slice(0, 200)}`);
  return Number(number);
}

function decoded(hex = ''): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex');
}
