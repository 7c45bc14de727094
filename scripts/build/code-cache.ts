/**
 * V8's compiled code of a program's pieces, beside each as `NAME.cache`: then they are not parsed at
 * each start. V8 takes it only from the very build of Node that made it and under the same flags, so
 * it is made for the target that is this machine's Node, and for a running agent under its flags.
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

/** What runs in little memory, under the flags of agent/light.js. */
const LIGHT = ['agent/checked-settings.js', 'runtime/run-to-end.ts', 'agent/run.ts'];

export async function codeCachesOf(bundle: Bundle): Promise<Assets> {
  const { assets, reachedFrom } = bundle;
  const light = reachedFrom(LIGHT);
  // The page's code is for browsers.
  const pieces = [...assets.keys()].filter((name) => /^(?!dist\/).*\.js$/.test(name));
  const plain = pieces.filter((name) => !light.has(name));
  return new Map([
    ...(await made(bundle, plain, 'plain')),
    ...(await made(bundle, [...light], 'light')),
  ]);
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
      names.map((name, i) => [`${name}.cache`, readFileSync(join(folder, `${i}.cache`))]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
