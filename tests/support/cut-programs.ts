/**
 * Both programs, cut by esbuild into a few pieces of JavaScript, as the single files are: what most
 * tests start, hundreds of times a run. From the sources Node finds, reads and links 400 modules one
 * by one each time, which is half of what a collector needs until it is ready.
 *
 * Entries, processes and threads are those of the sources, and so are the files and addons that the
 * programs find beside their modules.
 */
import { createHash } from 'node:crypto';
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Loader, type OutputFile, type Plugin } from 'esbuild';
import type { TestProject } from 'vitest/node';
import { systemCodeOf } from '../../runtime/errors.ts';
import { NAMED } from '../../scripts/build/addresses.ts';
import { ADDONS } from '../../scripts/build/targets.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the pieces; the entries in it are where those of the sources are. */
    cutPrograms: string;
  }
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Below node_modules, so that packages are found from there. */
const FOLDERS = join(ROOT, 'node_modules/.cache/windrow-cut');
/** Folders are named by what is in them. Another run may have just begun with one. */
const unusedMsMax = 24 * 3_600_000;
const ENTRIES = ['agent/launch.js', 'collector/main.ts'];
const SOURCES = '{runtime,native,wire,blocks,agent,collector}/**/*.{ts,js}';
/** Takes the place of the folder's address until its name is known. */
const HERE = 'windrow-cut:/';
/** Addons, what reads files beside its own code, and what is taken only when it is there. */
const LEFT_ALONE = [...ADDONS, '@platformatic/kafka', '@node-rs/crc32', 'protobufjs'];

export default async function setup(project: TestProject): Promise<void> {
  const folder = await cutPrograms();
  project.provide('cutPrograms', folder);
}

/** @returns the folder with the pieces of the sources as they are now */
async function cutPrograms(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [...ENTRIES, ...startedByThemselves()],
    outbase: '.',
    outdir: FOLDERS,
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // esbuild rewrites it, wrongly in a loop; Node 24 has it.
    supported: { using: true },
    external: LEFT_ALONE,
    plugins: [addresses()],
    // For libraries that are no modules.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
  });
  removeUnused();
  return stored(outputFiles);
}

/** Modules that run in a process or thread of their own; paths from the root. */
function startedByThemselves(): string[] {
  const found = new Set<string>();
  for (const path of globSync(SOURCES, { cwd: ROOT })) {
    if (/\.test\.ts$|\/testing\/|\/dashboard\//.test(path)) continue;
    for (const [, specifier = ''] of readFileSync(join(ROOT, path), 'utf8').matchAll(NAMED)) {
      if (/\.[jt]s$/.test(specifier)) found.add(join(dirname(path), specifier));
    }
  }
  return [...found].sort();
}

/** What a module names by its own address: another module is a piece, anything else is beside the source. */
function addresses(): Plugin {
  return {
    name: 'addresses in the sources',
    setup(building) {
      building.onLoad({ filter: /\.[jt]s$/ }, ({ path }) => {
        if (path.includes('/node_modules/')) return undefined;
        const own = pathToFileURL(path).href;
        const text = readFileSync(path, 'utf8').replaceAll(NAMED, (whole, specifier: string) =>
          /\.[jt]s$/.test(specifier) ? `new URL('${addressOfPiece(path, specifier)}')` : whole,
        );
        return {
          contents: text.replaceAll('import.meta.url', JSON.stringify(own)),
          loader: (path.endsWith('.js') ? 'js' : 'ts') satisfies Loader,
        };
      });
    },
  };
}

function addressOfPiece(from: string, specifier: string): string {
  const path = join(dirname(from), specifier).slice(ROOT.length);
  return HERE + path.replace(/\.ts$/, '.js');
}

/** Whole or not at all, for other runs may want the same; a folder that is there is as it must be. */
function stored(files: readonly OutputFile[]): string {
  const content = createHash('sha256');
  for (const { path, contents } of files) content.update(path).update(contents);
  const folder = join(FOLDERS, content.digest('hex').slice(0, 16));
  mkdirSync(FOLDERS, { recursive: true });
  const making = mkdtempSync(`${folder}-`);
  // Else Node would look into each piece for what it is.
  writeFileSync(join(making, 'package.json'), '{ "type": "module" }\n');
  for (const { path, text } of files) {
    const made = join(making, path.slice(FOLDERS.length));
    mkdirSync(dirname(made), { recursive: true });
    writeFileSync(made, text.replaceAll(HERE, `${pathToFileURL(folder).href}/`));
  }
  try {
    renameSync(making, folder);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(error) ?? '')) throw error;
    rmSync(making, { recursive: true });
  }
  const now = new Date();
  utimesSync(folder, now, now);
  return folder;
}

function removeUnused(): void {
  for (const folder of globSync(join(FOLDERS, '*'))) {
    const { mtimeMs } = statSync(folder);
    if (Date.now() - mtimeMs > unusedMsMax) rmSync(folder, { recursive: true });
  }
}
