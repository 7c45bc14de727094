/** Whether a broker answers, and whom it knows. */
import { Admin } from '@platformatic/kafka';
import { messageOf } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';

const answerMsMax = 5_000;
const pollMs = 50;

/**
 * Asks the broker on this port until it says that all these nodes are in the cluster.
 * @returns what it said last when the signal aborts before; undefined when all is well
 */
export async function untilKnown(
  port: number,
  nodeIds: readonly number[],
  signal: AbortSignal,
): Promise<string | undefined> {
  let last = 'it was not asked';
  while (!signal.aborted) {
    try {
      const known = await knownNodes(port);
      if (nodeIds.every((id) => known.includes(id))) return undefined;
      last = `it knows only of brokers ${known.join(', ') || '(none)'}`;
    } catch (error) {
      last = messageOf(error);
    }
    await pause(pollMs, signal);
  }
  return last;
}

async function knownNodes(port: number): Promise<number[]> {
  const admin = new Admin({
    clientId: 'windrow-kafka',
    bootstrapBrokers: [`127.0.0.1:${port}`],
    retries: 0,
    timeout: answerMsMax,
    connectTimeout: answerMsMax,
  });
  try {
    return [...(await admin.metadata({ topics: [] })).brokers.keys()];
  } finally {
    await admin.close();
  }
}
