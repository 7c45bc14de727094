/** The house as the tidy rules see it: every file that git knows or would know, and who imports whom. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface HouseFile {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly from: string;
  /** A path of the house, `node:…`, or a package's name. */
  readonly to: string;
  readonly typeOnly: boolean;
  /** `import()`: only when that is reached. */
  readonly lazy: boolean;
}

export function readHouse(): HouseFile[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const paths = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\0');
  return paths
    .filter((path) => path !== '' && existsSync(join(ROOT, path)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

export function isCode(path: string): boolean {
  return /\.(?:tsx?|js)$/.test(path);
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts');
}

/** Code that only tests use. */
export function isHelper(path: string): boolean {
  return !isTest(path) && (path.startsWith('tests/') || path.includes('/testing/'));
}

/** The code without comments and without what its strings say. */
export function bare(text: string): string {
  const skipped =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  return text.replace(skipped, (match) => (match.startsWith('/') ? '' : "''"));
}

const STATEMENT = /\b(import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"]([^'"\n]+)['"]/g;
const CALL = /\bimport\(\s*['"]([^'"\n]+)['"]/g;
/** A file that is run, not imported: `new URL('child.ts', import.meta.url)`, or a path of this folder. */
const LOCATION =
  /new URL\(\s*'([^'\n]+\.tsx?)'|(?<!from |import |import\()'(\.{1,2}\/[^'\n]+\.tsx?)'/g;

export function importsOf({ path, text }: HouseFile): Import[] {
  const found: Import[] = [];
  const add = (specifier: string, { typeOnly = false, lazy = false }): void => {
    const relative = /^\.|^[^:@]+\.tsx?$/.test(specifier);
    const to = relative ? normalize(join(dirname(path), specifier)) : specifier;
    found.push({ from: path, to: to.replaceAll('\\', '/'), typeOnly, lazy });
  };
  for (const [, , type, specifier = ''] of text.matchAll(STATEMENT)) {
    add(specifier, { typeOnly: type !== undefined });
  }
  for (const [, specifier = ''] of text.matchAll(CALL)) add(specifier, { lazy: true });
  for (const [, url, local] of text.matchAll(LOCATION)) add(url ?? local ?? '', {});
  return found;
}

/** All that the roots lead to, the roots included; `types` says whether type imports count. */
export function reachable(
  files: readonly HouseFile[],
  roots: readonly string[],
  { types }: { readonly types: boolean },
): Set<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const seen = new Set<string>();
  const waiting = [...roots];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const file = byPath.get(path);
    if (file === undefined || !isCode(path)) continue;
    for (const { to, typeOnly } of importsOf(file)) if (types || !typeOnly) waiting.push(to);
  }
  return seen;
}
