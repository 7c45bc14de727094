/**
 * A program as pieces of JavaScript and files: what a single file holds beside Node.
 *
 * esbuild cuts the program into pieces so that what is loaded only sometimes (the settings' check,
 * the Kafka client, the server) is neither read nor in memory otherwise. It cuts modules alone, and
 * Node has no modules in a single file, so each piece is turned into a function that boot.ts calls.
 */
import { readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions, type Metafile, transform, type TransformOptions } from 'esbuild';
import { listOwn } from '../../runtime/program.ts';
import { addresses, type Named } from './addresses.ts';
import { type Ingredients, packagesIn } from './licences.ts';
import { replacements } from './replacements.ts';
import type { Program } from './targets.ts';

/** By the name under which the program asks for it. */
export type Assets = Map<string, Uint8Array>;

const BOOT = fileURLToPath(new URL('../../runtime/single-file/boot.ts', import.meta.url));
const text = new TextEncoder();

/** Of its addons the executable has `addonAsset(NAME)`. */
export interface Bundle extends Ingredients {
  readonly program: Program;
  readonly assets: Assets;
  /** The names of all pieces that modules of ours need, or may need later, themselves included. */
  readonly reachedFrom: (modules: readonly string[]) => Set<string>;
}

/**
 * @param root of the repository
 */
export async function bundle(root: string, program: Program): Promise<Bundle> {
  const { entry } = program;
  const named: Named = { modules: new Set(), files: new Set(), addons: new Set() };
  let entries = [entry];
  let { outputFiles, metafile } = await cut(root, entries, named);
  // A module that is started by itself may name further ones.
  while (named.modules.size + 1 > entries.length) {
    entries = [entry, ...[...named.modules].sort()];
    ({ outputFiles, metafile } = await cut(root, entries, named));
  }
  const assets: Assets = new Map();
  assets.set('entry', text.encode(pieceOf(entry)));
  assets.set('boot', await boot(root));
  for (const { path, text: code } of outputFiles) {
    const name = nameOf(root, path);
    assets.set(name, await wrapped(name, code));
  }
  for (const file of [...named.files].sort()) addFile(assets, root, file);
  return {
    program,
    assets,
    addons: named.addons,
    packages: packagesIn(metafile),
    reachedFrom: (modules) => reached(metafile, modules),
  };
}

/** The name of the piece that a module of ours begins. */
export function pieceOf(module: string): string {
  return module.replace(/\.[jt]s$/, '.js');
}

/** Where the pieces' names are from; nothing is written there. */
const outFolder = 'dist/pieces';

function nameOf(root: string, path: string): string {
  return relative(join(root, outFolder), path).replaceAll('\\', '/');
}

function reached({ outputs }: Metafile, modules: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const waiting = Object.keys(outputs).filter((path) =>
    modules.includes(outputs[path]?.entryPoint ?? ''),
  );
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const imports = outputs[path]?.imports ?? [];
    waiting.push(...imports.filter(({ external }) => !external).map((piece) => piece.path));
  }
  return new Set([...seen].map((path) => path.slice(`${outFolder}/`.length)));
}

const SYNTAX = {
  platform: 'node',
  target: 'node24',
  // esbuild rewrites it, wrongly in a loop; Node 24 has it.
  supported: { using: true },
  minifySyntax: true,
  // Names stay, for the stacks of errors.
  minifyWhitespace: true,
} as const satisfies TransformOptions & BuildOptions;

const COMMON = {
  ...SYNTAX,
  bundle: true,
  legalComments: 'none',
  write: false,
  // Else where node_modules really is would be in the bytes.
  preserveSymlinks: true,
} as const satisfies BuildOptions;

function cut(root: string, entries: readonly string[], named: Named) {
  return build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: entries.map((entry) => ({ in: entry, out: entry.replace(/\.[jt]s$/, '') })),
    outdir: outFolder,
    metafile: true,
    chunkNames: 'pieces/[hash]',
    format: 'esm',
    splitting: true,
    plugins: [replacements(root, named.addons), addresses(root, named)],
  });
}

/** As esbuild writes it. */
const IMPORT_OF_PIECE = /\bimport\(("\.{1,2}\/[\w./-]+\.js")\)/g;

async function wrapped(name: string, module: string): Promise<Uint8Array> {
  const commonJs = await transform(module, {
    ...SYNTAX,
    format: 'cjs',
    sourcefile: name,
  });
  const code = commonJs.code
    .replace(/^#!.*/, '')
    // Of pieces alone: a person's own module is imported as in any program.
    .replaceAll(IMPORT_OF_PIECE, 'Promise.resolve().then(()=>require($1))');
  return text.encode(`(function(exports,require,module){${code}\n})`);
}

async function boot(root: string): Promise<Uint8Array> {
  const options = { ...COMMON, absWorkingDir: root, entryPoints: [BOOT] };
  const { outputFiles } = await build({ ...options, format: 'cjs' });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

/** A file, or all files of a folder. */
function addFile(assets: Assets, root: string, path: string): void {
  const full = join(root, path);
  if (statSync(full).isFile()) {
    assets.set(path, readFileSync(full));
    return;
  }
  for (const name of listOwn(full)) {
    assets.set(`${path}/${name}`, readFileSync(join(full, name)));
  }
}
