/**
 * Topics that lose what collectors need, since others made or changed them, and those that were made
 * while fewer brokers were there: told by a collector, for nobody else that runs tells it.
 */
import { messageOf } from '../../runtime/errors.ts';
import { pause, withinMs } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import { unlessAborted } from '../../runtime/unless-aborted.ts';
import type { TopicsFound } from '../../wire/transport/kafka/look-at-topics.ts';

/** One look waits no longer for the brokers. */
export const lookMsMax = 5_000;
export const lookEveryMs = 5 * 60_000;
/** After the first look, at which the other brokers of a cluster that has just been started may not be there yet; and after one that failed. */
export const lookAgainMs = 30_000;

export interface TellOptions {
  readonly look: () => Promise<TopicsFound>;
  readonly log: Logger;
}

/**
 * Until the signal aborts; never rejects. What is found is told once as long as the collector runs,
 * for a broker that comes and goes changes how many replicas are too few.
 */
export async function tellTroubles({ look, log }: TellOptions, signal: AbortSignal): Promise<void> {
  const told = new Set<string>();
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    let isSettled = !isFirst;
    try {
      const looking = withinMs('looking at settings of topics', lookMsMax, look);
      tell(await unlessAborted(looking, signal, 'looking at settings of topics'), log, told);
    } catch (error) {
      // Brokers that go away later are told by whoever reads.
      if (isFirst && !signal.aborted) log.info({ error: messageOf(error) }, unseen('topics'));
      isSettled = false;
    }
    await pause(isSettled ? lookEveryMs : lookAgainMs, signal);
  }
}

function tell({ troubles, unseen: topics }: TopicsFound, log: Logger, told: Set<string>): void {
  for (const { topic, what, mend } of troubles) {
    const message = `topic ${topic}: ${what}`;
    if (!told.has(message)) log.warn({ hint: mend }, message);
    told.add(message);
  }
  if (topics.length === 0) return;
  const message = unseen(topics.join(', '));
  const hint = 'Allow DescribeConfigs on these topics to this user at the brokers.';
  if (!told.has(message)) log.info({ hint }, message);
  told.add(message);
}

function unseen(topics: string): string {
  return `settings of ${topics} cannot be seen, so nobody tells whether they lose records`;
}
