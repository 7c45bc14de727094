/** A copy of what the executables are built of, in another folder. */
import { copyFileSync, cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
/** What npm has fetched for builds. */
export const BUILD_CACHE = join(ROOT, 'node_modules/.cache/windrow-build');

/** The page among them is the one that was built last. */
const FOLDERS = [
  'agent',
  'blocks',
  'collector',
  'config',
  'dist/dashboard',
  'native',
  'runtime',
  'wire',
];

/** @param to a folder that is not there yet */
export function copySources(to: string): void {
  for (const folder of FOLDERS) cpSync(join(ROOT, folder), join(to, folder), { recursive: true });
  // esbuild reads the latter too.
  for (const file of ['package.json', 'tsconfig.json', 'tsconfig.base.json']) {
    copyFileSync(join(ROOT, file), join(to, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(to, 'node_modules'));
}
