/** The esbuild plugin for what libraries do that cannot be done inside a single file. */
import type { Plugin } from 'esbuild';
import { ADDONS } from './targets.ts';

/** Libraries take them when they are there, and do without. */
const LEFT_OUT = ['@node-rs/crc32', 'protobufjs'];

/**
 * A library's `createRequire` finds nothing: it would look beside the executable, and run what
 * somebody has put there.
 */
const NO_REQUIRE = `
export function createRequire() {
  const require = (name) => {
    throw Object.assign(new Error(name + ' is not in this program'), { code: 'MODULE_NOT_FOUND' });
  };
  return Object.assign(require, { resolve: require });
}`;

/**
 * commander starts verbs that are programs of their own, which ours are not. What it would load for
 * that is a third of what `version` costs beside Node that does nothing.
 */
const NO_CHILD_PROCESS = 'export default {};';

/** Where an executable has the addon of a package. */
export function addonAsset(name: string): string {
  return `addons/${name}.node`;
}

/**
 * @param root of the repository
 * @param addons gets the packages that are replaced by their addon alone
 */
export function replacements(root: string, addons: Set<string>): Plugin {
  return {
    name: 'windrow replacements',
    setup(build) {
      build.onResolve({ filter: /^(?:node:)?module$/ }, ({ importer }) =>
        importer.includes('/node_modules/')
          ? { path: 'no-require', namespace: 'windrow-replacement' }
          : undefined,
      );
      build.onLoad({ filter: /^no-require$/, namespace: 'windrow-replacement' }, () => ({
        contents: NO_REQUIRE,
      }));
      build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
        importer.includes('/node_modules/commander/')
          ? { path: 'no-child-process', namespace: 'windrow-replacement' }
          : undefined,
      );
      build.onLoad({ filter: /^no-child-process$/, namespace: 'windrow-replacement' }, () => ({
        contents: NO_CHILD_PROCESS,
      }));
      build.onResolve({ filter: exactly(ADDONS) }, ({ path }) => {
        addons.add(path);
        return { path, namespace: 'windrow-addon' };
      });
      build.onLoad({ filter: /./, namespace: 'windrow-addon' }, ({ path }) => ({
        contents: `const { loadAddon } = require('./runtime/addon.ts');
          module.exports = loadAddon('windrow:/${addonAsset(path)}');`,
        resolveDir: root,
      }));
      build.onResolve({ filter: exactly(LEFT_OUT) }, ({ path }) => ({ path, external: true }));
      // Its other form reads its WebAssembly from a file.
      build.onResolve({ filter: /^@platformatic\/wasm-utils$/ }, ({ path, ...from }) =>
        build.resolve(`${path}/bundled`, {
          kind: from.kind,
          resolveDir: from.resolveDir,
          importer: from.importer,
        }),
      );
    },
  };
}

function exactly(names: readonly string[]): RegExp {
  return new RegExp(`^(?:${names.join('|')})$`);
}
