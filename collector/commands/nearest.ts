/** @returns the names that somebody may have meant, the nearest first */
export function nearest(sought: string, names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, distance: distance(sought.toLowerCase(), name.toLowerCase()) }))
    .sort((one, other) => one.distance - other.distance)
    .map(({ name }) => name);
}

/** Characters to insert, remove or replace (Levenshtein). */
function distance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const replaced = (previous[j - 1] ?? 0) + Number(one[i - 1] !== other[j - 1]);
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous.at(-1) ?? 0;
}
