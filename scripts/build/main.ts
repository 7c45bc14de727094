/**
 * `npm run build`, behind the page's: in dist/ an executable of each program for each system, the
 * licences of what is in them, and SHA256SUMS. On Linux, with binutils; the same sources give the
 * same bytes.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bundle, bundle } from './bundle.ts';
import { codeCachesOf } from './code-cache.ts';
import { LICENCES_FILE, licencesOf } from './licences.ts';
import { nodeForLinux, nodeForWindows } from './node-binary.ts';
import { LINUX, PROGRAMS, WINDOWS } from './targets.ts';
import { writeProgram } from './write-program.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const CACHE = join(ROOT, 'node_modules/.cache/windrow-build');
const OUT = join(ROOT, 'dist');
const place = { root: ROOT, cache: CACHE, out: OUT };

checkNode();
mkdirSync(OUT, { recursive: true });
// A build that is interrupted leaves none that speak of other files.
rmSync(join(OUT, 'SHA256SUMS'), { force: true });
const bundles: Bundle[] = [];
for (const program of PROGRAMS) bundles.push(await bundle(ROOT, program));
const files: string[] = [];
const forWindows = { node: await nodeForWindows(CACHE), caches: new Map() };
for (const made of bundles) {
  files.push(written(await writeProgram(made, WINDOWS, forWindows, place)));
}
const node = await nodeForLinux();
const caches = await Promise.all(bundles.map(codeCachesOf));
for (const [i, made] of bundles.entries()) {
  const forLinux = { node, caches: caches[i] ?? new Map() };
  files.push(written(await writeProgram(made, LINUX, forLinux, place)));
}
writeFileSync(join(OUT, LICENCES_FILE), await licencesOf(ROOT, CACHE, bundles));
files.push(written(LICENCES_FILE));
writeFileSync(join(OUT, 'SHA256SUMS'), `${files.map(sumOf).sort().join('\n')}\n`);

/** V8's caches, and the blob that Node makes of the assets, are good for one build of Node. */
function checkNode(): void {
  const own = realpathSync(join(ROOT, 'node_modules/node/bin/node'));
  if (realpathSync(process.execPath) === own) return;
  throw new Error('the build must run on the Node of node_modules: npm run build');
}

function written(file: string): string {
  process.stdout.write(`dist/${file}\n`);
  return file;
}

function sumOf(file: string): string {
  const hash = createHash('sha256').update(readFileSync(join(OUT, file)));
  return `${hash.digest('hex')}  ${file}`;
}
