/**
 * Commits offsets again and again. What fails the next commit makes good, so it is told only when it
 * lasts: until then a kill costs nothing but what is read again.
 */
import type { Clock } from '../../../runtime/clock.ts';
import { messageOf, WindrowError } from '../../../runtime/errors.ts';
import { pause } from '../../../runtime/lifecycle.ts';
import type { Logger } from '../../../runtime/logging.ts';
import { Telling } from '../../../runtime/telling.ts';
import { unlessAborted } from '../../../runtime/unless-aborted.ts';

/** A group that shares its partitions anew is done by then, be it that a member died and another one is slow. */
export const graceMs = 45_000;

export interface Committing {
  /** @returns whether there was anything to commit */
  readonly commit: () => Promise<boolean>;
  readonly everyMs: number;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Once for each fault. */
  readonly onFailing: (message: string, hint: string | undefined) => void;
  /** After that, when offsets are committed again. */
  readonly onBack: () => void;
}

/** Resolves when the signal aborts, whatever a broker does. */
export async function commitNowAndThen(
  { commit, everyMs, clock, onFailing, onBack }: Committing,
  signal: AbortSignal,
): Promise<void> {
  const telling = new Telling(clock);
  let isTold = false;
  while (!signal.aborted) {
    await pause(everyMs, signal);
    if (signal.aborted) return;
    try {
      const isCommitted = await unlessAborted(commit(), signal, 'committing');
      // Where nothing is left to commit, what was told is not over: the partitions may be another's.
      if (isTold && !isCommitted) continue;
      telling.over();
      if (isTold) onBack();
      isTold = false;
    } catch (error) {
      if (signal.aborted || !telling.failed(lasting(error))) continue;
      isTold = true;
      onFailing(messageOf(error), error instanceof WindrowError ? error.hint : undefined);
    }
  }
}

/** For a program that has a log. */
export function toldIn(log: Logger): Pick<Committing, 'onFailing' | 'onBack'> {
  return {
    onFailing: (error, hint) =>
      log.warn({ error, hint }, 'offsets are not committed: after a kill more is read again'),
    onBack: () => log.info('offsets are committed again'),
  };
}

function lasting(error: unknown): WindrowError {
  const { fault } = error instanceof WindrowError ? error : { fault: messageOf(error) };
  return new WindrowError('unreachable', messageOf(error), { fault, graceMs });
}
