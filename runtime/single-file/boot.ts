/**
 * The first code of a single file, and of each of its worker threads: loads the program's other
 * code, which esbuild has cut into pieces, from the assets in the executable, and nothing from
 * anywhere else. A piece is the text of a function (`wrapped` in scripts/build/bundle.ts).
 *
 * An own process or thread is started with the address of its code as the first argument
 * (runtime/program.ts); without it, the program's entry runs.
 */
import { getAsset, getAssetKeys, getRawAsset } from 'node:sea';
import { constants, Script } from 'node:vm';

type Require = (specifier: string) => unknown;
type Piece = (exports: unknown, require: Require, module: { exports: unknown }) => void;

const scheme = 'windrow:/';
const assets = new Set(getAssetKeys());
const loaded = new Map<string, { exports: unknown }>();

const asked = process.argv[2];
const entry = asked?.startsWith(scheme) ? codeOf(asked) : getAsset('entry', 'utf8');
if (assets.has(entry)) {
  // What it starts finds its own arguments where they are in every program of Node.
  if (asked?.startsWith(scheme)) process.argv.splice(2, 1);
  load(entry);
} else {
  process.stderr.write(`${asked} is not in this program\n`);
  process.exitCode = 2;
}

function codeOf(address: string): string {
  return address.slice(scheme.length).replace(/\.[jt]s$/, '.js');
}

function load(name: string): unknown {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  loaded.set(name, module);
  const cache = `${name}.cache`;
  const script = new Script(getAsset(name, 'utf8'), {
    filename: scheme + name,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(assets.has(cache) ? { cachedData: Buffer.from(getRawAsset(cache)) } : {}),
  });
  const piece = script.runInThisContext() as Piece;
  piece(module.exports, (specifier) => required(specifier, name), module);
  return module.exports;
}

function required(specifier: string, from: string): unknown {
  if (specifier.startsWith('.')) {
    return load(new URL(specifier, `file:///${from}`).pathname.slice(1));
  }
  const builtin = process.getBuiltinModule(specifier);
  if (builtin !== undefined) return builtin;
  // Libraries ask for what they can do without.
  throw Object.assign(new Error(`${specifier} is not in this program`), {
    code: 'MODULE_NOT_FOUND',
  });
}
