/** Programs for Windows that only tests need, made of their C where a test's Windows sees them. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { missing } from '../../support/tools.ts';
import type { Wine } from './wine.ts';

const COMPILER = 'x86_64-w64-mingw32-gcc';
const STRICT = ['-std=c17', '-Wall', '-Wextra', '-Werror', '-O2'];
const LIBRARIES = ['-ladvapi32', '-liphlpapi', '-lpdh'];
const compileMsMax = 60_000;

const native = fileURLToPath(new URL('../../../native/', import.meta.url));
const own = fileURLToPath(new URL('.', import.meta.url));

/** Called where a test is declared, after `wineMissing`. */
export function mingwMissing(): boolean {
  return missing(COMPILER);
}

/** scm.c. @returns its path in that Windows */
export function makeScm(wine: Wine): string {
  compile('-municode', '-o', wine.shared('scm.exe'), `${own}scm.c`, ...LIBRARIES);
  return 'Z:\\mnt\\shared\\scm.exe';
}

/** The addon of this very C, whose calls are written down: watched.c. @returns its path in that Windows */
export function makeWatchedAddon(wine: Wine): string {
  const watcher = wine.shared('watched.o');
  const include = ['-I', native, '-include', `${own}watched.h`];
  compile('-I', native, '-c', '-o', watcher, `${own}watched.c`);
  compile(
    ...include,
    '-shared',
    '-static-libgcc',
    '-o',
    wine.shared('watched.node'),
    ...addonSources().map((file) => native + file),
    watcher,
    ...LIBRARIES,
  );
  return 'Z:\\mnt\\shared\\watched.node';
}

/** Whatever files the addon has: one that is missing here would not link. */
function addonSources(): string[] {
  return readdirSync(native).filter((name) => /^win.*\.c$/.test(name));
}

function compile(...options: string[]): void {
  execFileSync(COMPILER, [...STRICT, ...options], { stdio: 'pipe', timeout: compileMsMax });
}
