/**
 * `npm run build:native`: makes of the C in `native/` what lies beside it ready-made. Needs clang
 * and lld, and mingw-w64's gcc. `node scripts/build-native.ts [FILE] [--out FOLDER]` makes one of
 * them alone, or writes elsewhere, for comparison.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const native = fileURLToPath(new URL('../native/', import.meta.url));

const pageBytes = 64 * 1024;
/** The four lanes' input of 1 MiB each, and one page for state, tails, constants and stack. */
const sha256x4Pages = 65;
const sha256x4StackBytes = 4 * 1024;

const sha256x4Linker = [
  '--no-entry',
  '--strip-all',
  `-z,stack-size=${sha256x4StackBytes}`,
  `--initial-memory=${sha256x4Pages * pageBytes}`,
  `--max-memory=${sha256x4Pages * pageBytes}`,
  ...['lane_state', 'lane_input', 'lane_tail'].map((name) => `--export=${name}`),
];

const strict = ['-std=c17', '-Wall', '-Wextra', '-Werror'];

/** By the file that it makes: a compiler's command line, without the file. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'sha256x4.wasm': [
    'clang',
    ...strict,
    '--target=wasm32',
    '-O3',
    '-msimd128',
    '-nostdlib',
    ...sha256x4Linker.map((option) => `-Wl,${option}`),
    'sha256x4.c',
  ],
  'winaddon.node': [
    'x86_64-w64-mingw32-gcc',
    ...strict,
    '-O2',
    '-shared',
    '-s',
    '-static-libgcc',
    // The same C, the same bytes, whenever and wherever it is made.
    '-Wl,--no-insert-timestamp,--disable-auto-image-base',
    'winaddon.c',
    'winsvc.c',
    'winscm.c',
    'winfolder.c',
    'winmetrics.c',
    '-ladvapi32',
    '-liphlpapi',
    '-lpdh',
  ],
};

const { values, positionals } = parseArgs({
  options: { out: { type: 'string', default: native } },
  allowPositionals: true,
});
for (const [file, [compiler = '', ...options]] of Object.entries(COMMANDS)) {
  if (positionals.length > 0 && !positionals.includes(file)) continue;
  const out = join(values.out, file);
  execFileSync(compiler, [...options, '-o', out], { cwd: native, stdio: 'inherit' });
}
