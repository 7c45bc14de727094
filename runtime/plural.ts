/** Counts with their word, for people. */

/** `1 row`, `0 rows`, `2 rows`. @param many where it is more than an s that differs */
export function plural(count: number, one: string, many?: string): string {
  return `${count} ${wordFor(count, one, many)}`;
}

/** The word alone, for a count that is not written as it is. */
export function wordFor(count: number, one: string, many = `${one}s`): string {
  return count === 1 ? one : many;
}
