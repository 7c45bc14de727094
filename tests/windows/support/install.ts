/** Brings Wine to this machine, once: Debian 13 in a folder of its own, as its Wine is newer than the host's. */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { missing } from '../../support/tools.ts';

const run = promisify(execFile);

const SUITE = 'trixie';
const PACKAGE = 'wine64';
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/windrow-wine/', import.meta.url));
/** 1.2 GB in all; one to two minutes on a good line. */
const stepMsMax = 10 * 60_000;
const outputBytesMax = 16 * 1024 * 1024;

/** Whether the tests that need Wine are to be skipped: it takes root to make its folder. In CI they run. */
export const wineMissing =
  missing('debootstrap', 'unshare', 'nsenter', 'chroot') ||
  (process.geteuid?.() !== 0 && !process.env['CI']);

/** @returns the folder to change root to */
export async function installWine(): Promise<string> {
  const folder = join(CACHE, `${SUITE}-${PACKAGE}`);
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  process.stderr.write(`fetching Debian ${SUITE} with ${PACKAGE} (1.2 GB, once) …\n`);
  const fresh = mkdtempSync(`${folder}-`);
  const options = { timeout: stepMsMax, maxBuffer: outputBytesMax };
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('debootstrap', ['--variant=minbase', SUITE, fresh], options);
    for (const file of ['/etc/hosts', '/etc/resolv.conf']) copyFileSync(file, join(fresh, file));
    const install = ['apt-get', 'install', '-y', '--no-install-recommends', PACKAGE];
    await run('chroot', [fresh, ...install], { ...options, env });
    await run('chroot', [fresh, 'apt-get', 'clean'], options);
    // As a whole or not at all.
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}
