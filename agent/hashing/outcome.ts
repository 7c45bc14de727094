/** What hashing one file came to. */
import { getSystemErrorMessage, getSystemErrorName } from 'node:util';

export type Outcome = { readonly digest: string } | { readonly error: HashError };

/** Plain, as it crosses threads. */
export interface HashError {
  /** Of the system, as `errno`; undefined when it is none of the system's. */
  readonly errno: number | undefined;
  readonly message: string;
}

export function errorOf(error: unknown): { readonly error: HashError } {
  const { errno, message } = error as NodeJS.ErrnoException;
  return { error: { errno, message } };
}

/** As GNU's programs say it. */
export function reasonOf({ errno, message }: HashError): string {
  if (errno === undefined) return message;
  const known = REASONS[getSystemErrorName(errno)];
  return known ?? getSystemErrorMessage(errno).replace(/^[a-z]/, (first) => first.toUpperCase());
}

/** Where the C library of Linux has other words than Node. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EIO: 'Input/output error',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  ENFILE: 'Too many open files in system',
};
