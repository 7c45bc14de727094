/** Topics that others made or changed, and that lose what collectors need: told at the start, for nobody else tells. */
import { messageOf } from '../../runtime/errors.ts';
import { withinMs } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import { unlessAborted } from '../../runtime/unless-aborted.ts';
import type { CleanupFound } from '../../wire/transport/kafka/cleanup.ts';
import type { Log } from '../../wire/transport/log/port.ts';

/** The start does not wait longer for it. */
export const lookMsMax = 5_000;

export interface TellOptions {
  readonly look: () => Promise<CleanupFound>;
  readonly log: Logger;
}

/** The same log: when its topics have been made for the first time, what `look` finds is told. */
export function tellCleanup(source: Log, { look, log }: TellOptions): Log {
  let hasLooked = false;
  const lookOnce = async (signal: AbortSignal): Promise<void> => {
    if (hasLooked) return;
    hasLooked = true;
    try {
      const looking = withinMs('looking at settings of topics', lookMsMax, look);
      tell(await unlessAborted(looking, signal, 'looking at settings of topics'), log);
    } catch (error) {
      if (!signal.aborted) log.info({ error: messageOf(error) }, unseen('topics'));
    }
  };
  return {
    ...source,
    admin() {
      const admin = source.admin();
      const ensure = admin.ensure.bind(admin);
      admin.ensure = async (topics, signal) => {
        await ensure(topics, signal);
        await lookOnce(signal);
      };
      return admin;
    },
  };
}

function tell({ troubles, unseen: topics }: CleanupFound, log: Logger): void {
  for (const { topic, what, mend } of troubles) log.warn({ hint: mend }, `topic ${topic}: ${what}`);
  if (topics.length === 0) return;
  const hint = 'Allow DescribeConfigs on these topics to this user at the brokers.';
  log.info({ hint }, unseen(topics.join(', ')));
}

function unseen(topics: string): string {
  return `settings of ${topics} cannot be seen, so nobody tells whether they lose records`;
}
