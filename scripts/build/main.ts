/**
 * `npm run build`, behind the page's: in dist/ an executable of each program for each system, and
 * SHA256SUMS. On Linux, with binutils; the same sources give the same bytes.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Assets, type Bundle, bundle } from './bundle.ts';
import { codeCachesOf } from './code-cache.ts';
import { writeExecutable } from './executable.ts';
import { nodeForLinux, nodeForWindows } from './node-binary.ts';
import { packageFile } from './packages.ts';
import { addonAsset } from './replacements.ts';
import { LINUX, PROGRAMS, type Target, WINDOWS } from './targets.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const CACHE = join(ROOT, 'node_modules/.cache/windrow-build');
const OUT = join(ROOT, 'dist');

checkNode();
mkdirSync(OUT, { recursive: true });
const bundles: Bundle[] = [];
for (const program of PROGRAMS) bundles.push(await bundle(ROOT, program));
const none: Assets[] = bundles.map(() => new Map());
const sums = [
  ...(await writeAll(WINDOWS, await nodeForWindows(CACHE), none)),
  ...(await writeAll(LINUX, await nodeForLinux(), await Promise.all(bundles.map(codeCachesOf)))),
];
writeFileSync(join(OUT, 'SHA256SUMS'), `${sums.sort().join('\n')}\n`);

/** V8's caches, and the blob that Node makes of the assets, are good for one build of Node. */
function checkNode(): void {
  const own = realpathSync(join(ROOT, 'node_modules/node/bin/node'));
  if (realpathSync(process.execPath) === own) return;
  throw new Error('the build must run on the Node of node_modules: npm run build');
}

/** @param caches of each bundle @returns lines for SHA256SUMS */
async function writeAll(target: Target, node: Uint8Array, caches: Assets[]): Promise<string[]> {
  const lines: string[] = [];
  for (const [i, made] of bundles.entries()) {
    const { name, nodeOptions } = made.program;
    const own = [...made.assets].filter(([asset]) => target.hasOwnAddons || !isAddon(asset));
    const assets = new Map([...own, ...(await addonsOf(made, target)), ...(caches[i] ?? [])]);
    const file = `${name}-${target.name}${target.extension}`;
    await writeExecutable({
      node: process.execPath,
      target: node,
      nodeOptions,
      assets,
      out: join(OUT, file),
    });
    const hash = createHash('sha256')
      .update(readFileSync(join(OUT, file)))
      .digest('hex');
    lines.push(`${hash}  ${file}`);
    process.stdout.write(`dist/${file}\n`);
  }
  return lines;
}

type Versions = Readonly<Record<string, string>>;

function isAddon(asset: string): boolean {
  return asset.endsWith('.node');
}

async function addonsOf({ addons }: Bundle, target: Target): Promise<[string, Uint8Array][]> {
  return Promise.all(
    [...addons].map(async (name): Promise<[string, Uint8Array]> => {
      const about = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
      const { optionalDependencies } = JSON.parse(about) as { optionalDependencies: Versions };
      const { package: its, path } = target.addon(name);
      const version = optionalDependencies[its];
      if (version === undefined) throw new Error(`${name} has no addon for ${target.name}`);
      return [addonAsset(name), await packageFile(CACHE, { name: its, version, path })];
    }),
  );
}
