/** What `doctor` verbs share: checks that find out one thing each and say what to do about it. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf, WindrowError } from './errors.ts';

export interface Finding {
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to do about it; a line for each thing. */
  readonly advice?: string | readonly string[];
}

export interface Check {
  readonly name: string;
  readonly run: () => Promise<Finding>;
  /** The check without whose success this one can tell nothing. */
  readonly needs?: string;
}

const checkMsMax = 10_000;
const freeBytesMin = 512 * 1024 * 1024;

/** Runs the checks in order, a line each. @returns whether none failed */
export async function runChecks(
  checks: readonly Check[],
  print: (text: string) => void,
): Promise<boolean> {
  const bad = new Set<string>();
  for (const { name, run, needs } of checks) {
    if (needs !== undefined && bad.has(needs)) {
      bad.add(name);
      print(`${'-'.padEnd(4)}  ${name.padEnd(9)} not checked\n`);
      continue;
    }
    const finding = await found(run);
    if (finding.status === 'fail') bad.add(name);
    print(`${finding.status.toUpperCase().padEnd(4)}  ${name.padEnd(9)} ${finding.message}\n`);
    for (const advice of [finding.advice ?? []].flat()) print(`                → ${advice}\n`);
  }
  return bad.size === 0;
}

async function found(run: Check['run']): Promise<Finding> {
  try {
    return await run();
  } catch (error) {
    const hint = error instanceof WindrowError ? error.hint : undefined;
    const advice = hint === undefined ? {} : { advice: hint };
    return { status: 'fail', message: messageOf(error), ...advice };
  }
}

/** A signal that ends a check in bounded time. */
export function checkSignal(): AbortSignal {
  return AbortSignal.timeout(checkMsMax);
}

/** Whether the data folder can be written, or made, and has room; leaves nothing behind. */
export function checkDataFolder(folder: string): Finding {
  const existing = nearestExisting(folder);
  try {
    if (!statSync(existing).isDirectory()) throw new Error(`${existing} is no folder`);
    accessSync(existing, constants.W_OK);
  } catch (error) {
    return {
      status: 'fail',
      message: `${folder} cannot be written: ${messageOf(error)}`,
      advice: 'Name a folder that this user may write with --data (data).',
    };
  }
  const { bavail, bsize } = statfsSync(existing);
  const freeBytes = bavail * bsize;
  const free = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free`;
  if (freeBytes >= freeBytesMin) return { status: 'ok', message: `${folder}: ${free}` };
  return {
    status: 'warn',
    message: `${folder}: only ${free}`,
    advice: 'Make room, or name a folder on another disk with --data (data).',
  };
}

function nearestExisting(folder: string): string {
  let path = resolve(folder);
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path);
  return path;
}
