/** Makes the topics that collectors share again when somebody deleted them meanwhile. */
import { systemClock } from '../../runtime/clock.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { Log, TopicSpec } from '../../wire/transport/log/port.ts';
import { prepareTopics } from '../../wire/transport/log/prepare.ts';
import { Failing } from './failing.ts';

/**
 * Made again when it could not be read at two looks: whoever deletes a topic may be about to make it
 * anew, with settings of their own.
 */
export const lookEveryMs = 10_000;

export interface KeepOptions {
  readonly source: Pick<Log, 'admin'>;
  readonly topics: readonly TopicSpec[];
  /** Why one of them cannot be read; undefined while all is well with it, and nobody looks. */
  readonly unread: (topic: string) => string | undefined;
  readonly log: Logger;
}

/** Until the signal aborts; never rejects. */
export async function keepTopics(options: KeepOptions, signal: AbortSignal): Promise<void> {
  const { source, topics, unread, log } = options;
  const failing = new Failing(log, systemClock);
  let unreadBefore: readonly TopicSpec[] = [];
  while (!signal.aborted) {
    await pause(lookEveryMs, signal);
    if (signal.aborted) return;
    const unreadNow = topics.filter(({ name }) => unread(name) !== undefined);
    const doubtful = unreadNow.filter((topic) => unreadBefore.includes(topic));
    const found: Found[] = [];
    // Each by itself: one that may not be made keeps no other from it.
    for (const topic of doubtful) {
      found.push(await lookAfter(topic, { source, log, failing }, signal));
    }
    if (!found.includes('missing') && failing.over() && !found.includes('made')) {
      log.info('all topics that collectors share are there again');
    }
    unreadBefore = unreadNow;
  }
}

interface Looking extends Pick<KeepOptions, 'source' | 'log'> {
  readonly failing: Failing;
}

type Found = 'there' | 'made' | 'missing';

/** Tells what it makes, and why it cannot. */
async function lookAfter(
  topic: TopicSpec,
  { source, log, failing }: Looking,
  signal: AbortSignal,
): Promise<Found> {
  try {
    const [made] = await prepareTopics(source, [topic], signal);
    if (made === undefined) return 'there';
    log.warn(`topic ${made} was not there; it was made again`);
    return 'made';
  } catch (error) {
    if (!signal.aborted && !isOfBrokers(error)) failing.failed(error, 'it is tried again');
    return 'missing';
  }
}

/** What is wrong with brokers whatever they are asked is told by whoever reads the topic. */
function isOfBrokers(error: unknown): boolean {
  return error instanceof WindrowError && error.fault !== error.message;
}
