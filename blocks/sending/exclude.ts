/**
 * What a person leaves out of folders, by globs. Pure.
 *
 * | glob                | leaves out |
 * |---------------------|---|
 * | `*.tmp`, `target/`  | what has such a name, in any folder |
 * | `a/b`, `./b`        | what has such a path below what was named, or from its own name on |
 * | `a/**`, `**`+`/x`   | `**` is any number of folders |
 *
 * Names with a leading dot are names like others: who leaves out `*` means them too.
 */
import { isAbsolute, posix } from 'node:path';
import { WindrowError } from '../../runtime/errors.ts';

export interface Exclusion {
  /** As `withLetters` makes it. */
  readonly glob: string;
  /** For whole paths; otherwise for names. */
  readonly isOfPath: boolean;
}

/** Of one glob with braces; each more doubles them at least. */
const alternativesMax = 1_000;

/**
 * One for each alternative in braces.
 * @throws WindrowError `usage` when it can match nothing
 */
export function exclusionsOf(text: string): Exclusion[] {
  return alternativesOf(text, text).map((alternative) => exclusionOf(alternative, text));
}

/** `{a,b}/c` as `a/c` and `b/c`, the innermost braces first. */
function alternativesOf(glob: string, text: string): string[] {
  const globs = [glob];
  for (let done = 0; done < globs.length; ) {
    const next = globs[done] ?? '';
    const braces = /(?<!\\)\{([^{}]*,[^{}]*)\}/.exec(next);
    if (braces === null) {
      done += 1;
      continue;
    }
    const [found, inside = ''] = braces;
    const [before, behind] = [next.slice(0, braces.index), next.slice(braces.index + found.length)];
    globs.splice(done, 1, ...inside.split(',').map((each) => before + each + behind));
    if (globs.length > alternativesMax) {
      throw new WindrowError('usage', `--exclude ${text} has too many alternatives`);
    }
  }
  return globs;
}

function exclusionOf(glob: string, text: string): Exclusion {
  const names = glob.split('/').filter((name) => name !== '' && name !== '.');
  if (isAbsolute(glob) || posix.isAbsolute(glob) || names.includes('..')) {
    throw new WindrowError('usage', `--exclude ${text} can match nothing: it is no path below`, {
      hint: 'Give the path from what is sent on: for `send /srv/d`, `a.log` or `d/a.log`.',
    });
  }
  if (names.length === 0) {
    throw new WindrowError('usage', `--exclude '${text}' can match nothing: it has no name`);
  }
  return {
    glob: withLetters(names.join('/')),
    isOfPath: glob.startsWith('./') || names.length > 1,
  };
}

/** Both paths are relative, with `/`. */
export function isExcluded(
  { relativePath, belowPath }: { readonly relativePath: string; readonly belowPath: string },
  exclude: readonly Exclusion[],
): boolean {
  return exclude.some(({ glob, isOfPath }) => {
    const paths = isOfPath ? [relativePath, belowPath] : [posix.basename(relativePath)];
    return paths.some((path) => posix.matchesGlob(path.replace(/(?<=^|\/)/g, 'x'), glob));
  });
}

/**
 * With a letter before each name, as the paths get it too: in globs a wildcard takes no leading dot,
 * and a leading `!` or `#` would be no name.
 */
function withLetters(glob: string): string {
  return glob.replace(/(?<=^|\/)(?!\*\*(?:\/|$))/g, 'x');
}
