/** Topics, brokers and partitions in a sentence: some are named, all are counted. */

/** More would fill a log line, and help nobody. */
const namedMax = 5;

/** `a`, `a and b`; of many `a, b, c, d, e and 3 more`. */
export function namesOf(names: readonly string[]): string {
  const more = names.length - namedMax;
  const told = more > 0 ? [...names.slice(0, namedMax), `${more} more`] : names;
  return told.length > 1 ? `${told.slice(0, -1).join(', ')} and ${told.at(-1)}` : `${told[0]}`;
}

/** `topic a`, `topics a and b`. */
export function topicsNamed(topics: readonly string[]): string {
  return `${topics.length > 1 ? 'topics' : 'topic'} ${namesOf(topics)}`;
}
