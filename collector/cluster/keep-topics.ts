/** Makes the topics that collectors share again when somebody deleted them meanwhile. */
import { messageOf } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { Log, TopicSpec } from '../../wire/transport/log/port.ts';
import { prepareTopics } from '../../wire/transport/log/prepare.ts';

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
  let unreadBefore: readonly TopicSpec[] = [];
  while (!signal.aborted) {
    await pause(lookEveryMs, signal);
    const unreadNow = topics.filter(({ name }) => unread(name) !== undefined);
    const doubtful = unreadNow.filter((topic) => unreadBefore.includes(topic));
    if (doubtful.length > 0 && !signal.aborted) {
      try {
        for (const topic of await prepareTopics(source, doubtful, signal)) {
          log.warn(`topic ${topic} was not there; it was made again`);
        }
      } catch (error) {
        // Why it cannot be read is told by whoever reads it; this is why nobody made it.
        log.debug({ error: messageOf(error) }, 'topics cannot be made again');
      }
    }
    unreadBefore = unreadNow;
  }
}
