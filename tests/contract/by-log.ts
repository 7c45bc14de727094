/** Sender and receiver on the two ends of a log, as an agent and a collector are. */
import { onTestFinished } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { topicSpecs } from '../../wire/transport/kafka/topics.ts';
import { batchesOf } from '../../wire/transport/log/batches.ts';
import type { Log, LogRecord } from '../../wire/transport/log/port.ts';
import { createLogSender } from '../../wire/transport/log/sender.ts';
import type { BatchReceiver, BatchSender } from '../../wire/transport/port.ts';
import { TOPIC } from './transport.ts';

/** What the receiver cannot deal with it gets again, as a collector reads on from what it has stored. */
export async function connectByLog(log: Log, receive: BatchReceiver): Promise<BatchSender> {
  const topics = topicSpecs({ 'kafka.partitions': 3, 'kafka.replication': undefined }, [
    TOPIC,
    SAMPLES_TOPIC,
  ]);
  const admin = log.admin();
  await admin.ensure(topics, new AbortController().signal);
  await admin.close();
  const following = new AbortController();
  let isCaughtUp = false;
  const caughtUp = Promise.withResolvers<void>();
  const take = async (records: readonly LogRecord[]): Promise<void> => {
    // What other tests left in the topic.
    if (!isCaughtUp) return;
    for (const { batch, topic, partition } of batchesOf(records)) {
      const from = { remote: `${topic}/${partition}` };
      while ((await receive(batch, from).catch(() => undefined)) === undefined);
    }
  };
  const followed = log.reader(TOPIC).follow(
    [],
    {
      take,
      caughtUp: () => {
        isCaughtUp = true;
        caughtUp.resolve();
      },
    },
    following.signal,
  );
  onTestFinished(() => {
    following.abort();
    return followed;
  });
  await caughtUp.promise;
  return createLogSender({ log, topics, clock: systemClock });
}
