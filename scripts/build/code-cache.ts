/**
 * V8's compiled code of a program's pieces, beside each as `NAME.FLAGS.cache`: then they are not parsed
 * at each start. V8 takes it only from the very build of Node that made it, so it is made for the
 * target that is this machine's Node; and only under the same flags, so it is made once for each that
 * a piece is loaded under. By the specimen boot.ts sees which are in force.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Assets, Bundle } from './bundle.ts';

const run = promisify(execFile);
const MAKER = fileURLToPath(new URL('./code-cache-maker.ts', import.meta.url));

/** An empty piece. */
const specimen = 'specimen';

export async function codeCachesOf(bundle: Bundle): Promise<Assets> {
  const { assets, program, reachedFrom } = bundle;
  // The page's code is for browsers.
  const pieces = [...assets.keys()].filter((name) => /^(?!dist\/).*\.js$/.test(name));
  const caches = await made(bundle, [specimen, ...pieces], 'as-started');
  for (const { flags, modules } of program.underFlags) {
    const under = [specimen, ...reachedFrom(modules)];
    for (const [name, cache] of await made(bundle, under, flags)) caches.set(name, cache);
  }
  return caches;
}

/** In a process of its own, that does nothing else: then the same code gives the same bytes. */
async function made(bundle: Bundle, names: readonly string[], flags: string): Promise<Assets> {
  const { assets, program } = bundle;
  const folder = mkdtempSync(join(tmpdir(), 'windrow-build-'));
  try {
    for (const [i, name] of names.entries()) {
      writeFileSync(join(folder, String(i)), assets.get(name) ?? '');
    }
    // V8's hash tables are in what it makes, and in their order is the seed.
    const options = [...program.nodeOptions, '--random-seed=1'];
    await run(process.execPath, [...options, MAKER, folder, flags, ...names]);
    return new Map(
      names.map((name, i) => [`${name}.${flags}.cache`, readFileSync(join(folder, `${i}.cache`))]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
