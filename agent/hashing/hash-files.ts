/** Hashes any number of files with as many threads as pay, and tells the outcomes in their order. */
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { calibrate } from '../../native/sha256/calibrate.ts';
import { fastestEngine } from '../../native/sha256/choose.ts';
import type { EngineName } from '../../native/sha256/engine.ts';
import { ENGINES } from '../../native/sha256/engines.ts';
import { cacheFolder } from './cache-folder.ts';
import type { Outcome } from './outcome.ts';
import { HashPool } from './pool.ts';
import { standardInput, StreamHasher } from './stream.ts';

/** Outcomes that wait for one before them; far more than there are lanes. */
const aheadMax = 256;
/** Disks do not keep up with more, and each thread takes some 15 MB. */
const threadsMax = 8;
/** Less than this is hashed before threads have started and engines are measured. */
const smallBytesMax = 16 << 20;

export interface HashOptions {
  /** Instead of the fastest. */
  readonly engine?: EngineName | undefined;
}

/**
 * @param paths as bytes where they are no UTF-8; `-` is the standard input
 * @returns for each path, in order, what it came to
 */
export async function* hashFiles(
  paths: readonly (string | Buffer)[],
  { engine: given }: HashOptions,
): AsyncGenerator<Outcome> {
  const threads = Math.min(availableParallelism(), threadsMax, paths.length);
  const isSmall = given === undefined && !isMuch(paths);
  const engine = given ?? (isSmall ? 'openssl' : await fastestFor(paths.length, threads));
  const streams = new StreamHasher(ENGINES[engine].create());
  await using pool = isSmall ? undefined : new HashPool({ engine, threads });
  const waiting: Promise<Outcome>[] = [];
  for (const path of paths) {
    const isRegular = regularBytesOf(path) !== undefined;
    const outcome = pool !== undefined && isRegular ? pool.hash(path) : streams.hash(path);
    // A thread that fails rejects all that it had; the first of them is thrown when its turn comes.
    outcome.catch(() => {});
    waiting.push(outcome);
    if (waiting.length >= aheadMax) yield await first(waiting);
  }
  while (waiting.length > 0) yield await first(waiting);
}

async function fastestFor(streams: number, threads: number): Promise<EngineName> {
  const { rates } = await calibrate({ folder: cacheFolder() });
  return fastestEngine(rates, { streams, threads });
}

function first(waiting: Promise<Outcome>[]): Promise<Outcome> {
  const outcome = waiting.shift();
  if (outcome === undefined) throw new Error('nothing is waited for');
  return outcome;
}

/** Whether the regular files among them are more than a few. */
function isMuch(paths: readonly (string | Buffer)[]): boolean {
  let bytes = 0;
  return paths.some((path) => {
    bytes += regularBytesOf(path) ?? 0;
    return bytes >= smallBytesMax;
  });
}

/** Undefined when it is no regular file, or nothing that can be looked at: hashing it says why. */
function regularBytesOf(path: string | Buffer): number | undefined {
  if (path === standardInput) return undefined;
  try {
    const stats = statSync(path);
    return stats.isFile() ? stats.size : undefined;
  } catch {
    return undefined;
  }
}
