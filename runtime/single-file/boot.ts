/**
 * The first code of a single file, and of each of its worker threads: loads the program's other
 * code, which esbuild has cut into pieces, from the assets in the executable, and nothing from
 * anywhere else. A piece is the text of a function (`wrapped` in scripts/build/bundle.ts).
 *
 * An own process or thread is started with the address of its code as the first argument
 * (runtime/program.ts); without it, the program's entry runs.
 *
 * With NODE_DEBUG=windrow-pieces it says of each piece whether V8 took its compiled code.
 */
import { getAsset, getAssetKeys, getRawAsset } from 'node:sea';
import { debuglog } from 'node:util';
import { constants, Script } from 'node:vm';

type Require = (specifier: string) => unknown;
type Piece = (exports: unknown, require: Require, module: { exports: unknown }) => void;

const scheme = 'windrow:/';
const assets = new Set(getAssetKeys());
const loaded = new Map<string, { exports: unknown }>();
const debug = debuglog('windrow-pieces');

/** The flags of V8 for which there is compiled code (scripts/build/code-cache.ts); first those of the last piece. */
const flagsKnown = [...assets].flatMap((name) => /^specimen\.(.+)\.cache$/.exec(name)?.[1] ?? []);
let specimens = 0;

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
  const cache = `${name}.${flagsInForce()}.cache`;
  const script = new Script(getAsset(name, 'utf8'), {
    filename: scheme + name,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(assets.has(cache) ? { cachedData: compiled(cache) } : {}),
  });
  debug('%s %s', script.cachedDataRejected === false ? 'compiled' : 'parsed', name);
  const piece = script.runInThisContext() as Piece;
  piece(module.exports, (specifier) => required(specifier, name), module);
  return module.exports;
}

function compiled(cache: string): Buffer {
  return Buffer.from(getRawAsset(cache));
}

/**
 * Programs change V8's flags while they start, and a thread may begin under any: so V8 itself is
 * asked, each time.
 */
function flagsInForce(): string | undefined {
  const flags = flagsKnown.find((known) => {
    // By a new name each time, for what it knows already V8 takes under any.
    const filename = `${scheme}specimen/${(specimens += 1)}`;
    const cachedData = compiled(`specimen.${known}.cache`);
    return new Script('', { filename, cachedData }).cachedDataRejected === false;
  });
  if (flags !== undefined) flagsKnown.unshift(...flagsKnown.splice(flagsKnown.indexOf(flags), 1));
  return flags;
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
