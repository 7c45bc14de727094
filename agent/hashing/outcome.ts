/** What hashing one file came to. */
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
