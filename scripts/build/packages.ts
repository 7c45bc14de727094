/** Files of npm packages that npm would not install here: Node and addons for another system. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PackageFile {
  readonly name: string;
  /** Exact. */
  readonly version: string;
  /** Path in the package. */
  readonly path: string;
}

/**
 * Fetched once into `cache` by `npm pack`, which checks it against the registry's hash.
 * @throws Error when npm cannot, or the package has no such file
 */
export async function packageFile(cache: string, file: PackageFile): Promise<Buffer> {
  const folder = join(cache, `${file.name.replace('/', '-')}-${file.version}`);
  if (!existsSync(folder)) await fetchPackage(cache, folder, file);
  return readFileSync(join(folder, 'package', file.path));
}

async function fetchPackage(cache: string, folder: string, file: PackageFile): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const fresh = await mkdtemp(`${folder}-`);
  try {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const wanted = `${file.name}@${file.version}`;
    const pack = ['pack', wanted, '--pack-destination', fresh, '--ignore-scripts', '--json'];
    const { stdout } = await run(npm, pack);
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    await run('tar', ['-xzf', join(fresh, filename), '-C', fresh]);
    await rm(join(fresh, filename));
    // As a whole or not at all: a build that was interrupted leaves no half package behind.
    if (!existsSync(folder)) renameSync(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
