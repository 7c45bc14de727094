import type { Log, TopicSpec } from './port.ts';

/**
 * Before somebody's first record: the log is reached and has these topics.
 * @returns those that were missing and have been made
 * @throws WindrowError
 */
export async function prepareTopics(
  log: Pick<Log, 'admin'>,
  topics: readonly TopicSpec[],
  signal: AbortSignal,
): Promise<string[]> {
  const admin = log.admin();
  try {
    const names = topics.map(({ name }) => name);
    const there = await admin.partitions(names, signal);
    await admin.ensure(topics, signal);
    return names.filter((name) => !there.has(name));
  } finally {
    await admin.close();
  }
}

/** For people; what was made is told by who made it. */
export function describePrepared(brokers: readonly string[]): string {
  return `reached Kafka at ${brokers.join(',')}`;
}
