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

/** @throws WindrowError `usage` when it can match nothing */
export function exclusionOf(text: string): Exclusion {
  const glob = text.replace(/^(?:\.\/+)+/, '').replace(/\/+$/, '');
  if (isAbsolute(text) || posix.isAbsolute(text) || glob.split('/').includes('..')) {
    throw new WindrowError('usage', `--exclude ${text} can match nothing: it is no path below`, {
      hint: 'Give the path from what is sent on: for `send /srv/d`, `a.log` or `d/a.log`.',
    });
  }
  if (glob === '' || glob === '.') {
    throw new WindrowError('usage', `--exclude '${text}' can match nothing: it has no name`);
  }
  return { glob: withLetters(glob), isOfPath: text.startsWith('./') || glob.includes('/') };
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
