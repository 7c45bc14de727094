/**
 * What a process is called, from its `comm` and its command line (proc(5)): the whole name where
 * `comm` is cut at 15 bytes, and the script where an interpreter runs one.
 *
 * A command line is whatever its process wants it to be. Only its first argument and the name of a
 * script are ever shown: other arguments may hold secrets.
 */
import { baseOf, isInterpreter, isPlainPath, scriptOf } from './interpreters.ts';

/** Characters of a name: enough for the longest titles that say something, short in a table. */
export const processNameCharsMax = 64;
/** The kernel's TASK_COMM_LEN without its NUL. */
const commBytesMax = 15;
/** What Node 22 and later call their main thread, and thereby the process. */
const mainThreads = new Set(['MainThread', 'node-MainThread']);

/** `cmdline` is the content of /proc/PID/cmdline, empty when there is none to read. */
export function processName(comm: string, cmdline: Uint8Array): string {
  return shown(nameOf(comm, wordsOf(cmdline)));
}

function wordsOf(cmdline: Uint8Array): string[] {
  const { buffer, byteOffset, byteLength } = cmdline;
  const words = Buffer.from(buffer, byteOffset, byteLength).toString('utf8').split('\0');
  // What no NUL ends was cut, and half a word is no word. Of a lone one the beginning will do.
  if (words.length > 1) words.pop();
  return words;
}

function nameOf(comm: string, words: readonly string[]): string {
  const [line = ''] = (words[0] ?? '').split(/[\r\n]/, 1);
  if (line === '') return comm;
  // The cut may have gone through a character.
  const stem = comm.replace(/\uFFFD+$/, '');
  const title = titleOf(line, stem);
  if (title !== undefined) return title;
  // Some join all their arguments into the first one (Chromium): the options are not the name.
  const [command = ''] = line.split(/\s+[-/]/, 1);
  const program = baseOf(command).replace(/^-/, '');
  if (isInterpreter(program)) return interpreted({ comm, stem, program }, words.slice(1));
  if (mainThreads.has(comm)) return program.split(/\s/, 1)[0] || comm;
  return completed(stem, command) ?? completed(stem, baseOf(command)) ?? comm;
}

/** `stem` is `comm` without half a character, `program` the base name of the first argument. */
interface Names {
  readonly comm: string;
  readonly stem: string;
  readonly program: string;
}

function interpreted({ comm, stem, program }: Names, words: readonly string[]): string {
  if (mainThreads.has(comm) || isInterpreter(comm)) {
    const script = scriptOf(program, words);
    return script === undefined ? program : `${program} ${script}`;
  }
  // Run by its first line: `comm` is the script's name, and its path stands after the interpreter
  // and at most one argument. Only a cut name has something to gain.
  if (Buffer.byteLength(comm) < commBytesMax) return comm;
  const path = words.slice(0, 2).find((word) => baseOf(word).startsWith(stem));
  return path !== undefined && isPlainPath(path) ? baseOf(path) : comm;
}

/**
 * What a process calls itself, `postgres: checkpointer`. It ends where arguments begin (`nginx:
 * master process /usr/sbin/nginx -g …`) and after a client's address: what follows is what the
 * process did at the moment when it was asked, and the name is kept for longer.
 */
function titleOf(line: string, stem: string): string | undefined {
  if (!line.startsWith(stem) || !/^[^\s:/]+:\s/.test(line)) return undefined;
  const kept: string[] = [];
  for (const word of line.split(/\s+/)) {
    if (/^[-/]|=/.test(word)) break;
    kept.push(word);
    if (/^\[local\]$|\(\d+\)$/.test(word)) break;
  }
  return kept.join(' ').replace(/:$/, '') || undefined;
}

/** The name to the end of the word that `stem` cuts; further words may be arguments. */
function completed(stem: string, text: string): string | undefined {
  if (!text.startsWith(stem)) return undefined;
  const [rest = ''] = text.slice(stem.length).split(/[\s/]/, 1);
  return stem + rest;
}

/** One short line in which each character is visible and none turns the direction of others. */
function shown(name: string): string {
  const line = name.replace(/\s+/g, ' ').trim().replace(/\p{C}/gu, '\uFFFD');
  const characters = Array.from(line);
  if (characters.length === 0) return '?';
  if (characters.length <= processNameCharsMax) return line;
  return `${characters.slice(0, processNameCharsMax - 1).join('')}…`;
}
