/**
 * The esbuild plugin that gives our modules their address in a single file, and collects what they
 * name by it (runtime/program.ts): other modules that are started by themselves, and files.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { type Loader, type Plugin, transform } from 'esbuild';

export interface Named {
  /** Modules that run in a process or thread of their own; paths from the root. */
  readonly modules: Set<string>;
  /** Files and folders; paths from the root. */
  readonly files: Set<string>;
  /** Packages that are an addon (replacements.ts). */
  readonly addons: Set<string>;
}

/** What a module names by its own address: the specifier. */
export const NAMED = /new URL\(\s*'([^'\n]+)',\s*import\.meta\.url\s*,?\s*\)/g;

/** @param root of the repository */
export function addresses(root: string, named: Named): Plugin {
  return {
    name: 'windrow addresses',
    setup(build) {
      build.onLoad({ filter: /\.[jt]s$/ }, async ({ path }) => {
        if (path.includes('/node_modules/')) return undefined;
        const own = relative(root, path).replaceAll('\\', '/');
        const text = readFileSync(path, 'utf8');
        for (const [, specifier = ''] of text.matchAll(NAMED)) {
          const target = posix.normalize(posix.join(posix.dirname(own), specifier));
          (/\.[jt]s$/.test(target) ? named.modules : named.files).add(target);
        }
        const code = named.modules.has(own) ? await withoutTopLevelAwait(text) : text;
        return {
          contents: code.replaceAll('import.meta.url', JSON.stringify(`windrow:/${own}`)),
          loader: (path.endsWith('.js') ? 'js' : 'ts') satisfies Loader,
          resolveDir: dirname(join(root, own)),
        };
      });
    },
  };
}

/**
 * The code behind a module's imports in an async function: it may await, which a piece cannot. For
 * modules that nobody imports but for types; one that exports something else fails to build.
 */
async function withoutTopLevelAwait(text: string): Promise<string> {
  const { code } = await transform(text, { loader: 'ts', format: 'esm' });
  const last = [...code.matchAll(/^import [^;]*;$/gm)].at(-1);
  const end = last === undefined ? 0 : last.index + last[0].length;
  return `${code.slice(0, end)}\nvoid (async () => {${code.slice(end)}\n})();`;
}
