/** An executable of a program for a target, in a folder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Assets, Bundle } from './bundle.ts';
import { writeExecutable } from './executable.ts';
import { packageFile } from './packages.ts';
import { addonAsset } from './replacements.ts';
import type { Target } from './targets.ts';

export interface Place {
  /** The repository. */
  readonly root: string;
  /** For files of packages. */
  readonly cache: string;
  /** Where the executable goes. */
  readonly out: string;
}

/**
 * @param node of the target, ready to be injected into
 * @param caches of the pieces (code-cache.ts)
 * @returns the executable's name
 */
export async function writeProgram(
  made: Bundle,
  target: Target,
  { node, caches }: { readonly node: Uint8Array; readonly caches: Assets },
  place: Place,
): Promise<string> {
  const { name, nodeOptions } = made.program;
  const own = [...made.assets].filter(([asset]) => target.hasOwnAddons || !isAddon(asset));
  const assets = new Map([...own, ...(await addonsOf(made, target, place)), ...caches]);
  const file = `${name}-${target.name}${target.extension}`;
  await writeExecutable({
    node: process.execPath,
    target: node,
    nodeOptions,
    assets,
    out: join(place.out, file),
  });
  return file;
}

type Versions = Readonly<Record<string, string>>;

function isAddon(asset: string): boolean {
  return asset.endsWith('.node');
}

async function addonsOf(
  { addons }: Bundle,
  target: Target,
  { root, cache }: Place,
): Promise<[string, Uint8Array][]> {
  return Promise.all(
    [...addons].map(async (name): Promise<[string, Uint8Array]> => {
      const about = readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8');
      const { optionalDependencies } = JSON.parse(about) as { optionalDependencies: Versions };
      const { package: its, path } = target.addon(name);
      const version = optionalDependencies[its];
      if (version === undefined) throw new Error(`${name} has no addon for ${target.name}`);
      return [addonAsset(name), await packageFile(cache, { name: its, version, path })];
    }),
  );
}
