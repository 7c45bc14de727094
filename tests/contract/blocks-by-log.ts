/** Sender and receiver of blocks on the two ends of a log. */
import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { LogMember } from '../../blocks/receiving/log-member.ts';
import { BlockReceiver } from '../../blocks/receiving/receiver.ts';
import { systemClock } from '../../runtime/clock.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { topicSpecs } from '../../wire/transport/kafka/topics.ts';
import { BLOCK_TOPICS, LogBlockCarrier } from '../../wire/transport/log/blocks.ts';
import type {
  GroupConsumer,
  GroupOptions,
  Log,
  SlotHandler,
} from '../../wire/transport/log/port.ts';
import { prepareTopics } from '../../wire/transport/log/prepare.ts';
import type { Connected } from './blocks.ts';
import { changedConsumer } from '../../wire/transport/log/testing/changed-consumer.ts';

const { signal: never } = new AbortController();

/** The receiver is a group of its own, which reads what comes from now on. */
export async function connectBlocksByLog(source: Log): Promise<Connected> {
  const topics = topicSpecs(
    { 'kafka.partitions': 3, 'kafka.replication': undefined },
    BLOCK_TOPICS,
  );
  await prepareTopics(source, topics, never);
  const folder = temporaryFolder();
  const { log } = createKeptLog();
  const base = { machineId: 'node-1', clock: systemClock, log };
  const receiver = new BlockReceiver({
    ...base,
    folder,
    folderSetting: '--out',
    quotaBytes: Infinity,
  });
  onTestFinished(() => receiver.close());
  const producer = source.producer();
  onTestFinished(() => producer.close());
  const { promise: hasJoined, resolve: joined } = Promise.withResolvers<void>();
  const fromNow = {
    consumer: (options: GroupOptions) => newOnly(source.consumer(options), joined),
  };
  const group = randomUUID();
  const member = new LogMember({ ...base, source: fromNow, producer, receiver, group });
  const stopping = new AbortController();
  const running = member.run(stopping.signal);
  onTestFinished(async () => {
    stopping.abort();
    await running;
  });
  await hasJoined;
  return { receiver, folder, carrier: new LogBlockCarrier({ log: source, target: 'log', topics }) };
}

/** Without what other tests left in the topic. */
function newOnly(consumer: GroupConsumer, joined: () => void): GroupConsumer {
  const ends = new Map<number, number>();
  return changedConsumer(consumer, {
    run(handler, signal) {
      const filtering: SlotHandler = {
        async assigned(slots, starts, uneven) {
          for (const { partition, endOffset } of starts) {
            if (!ends.has(partition)) ends.set(partition, endOffset);
          }
          await handler.assigned(slots, starts, uneven);
          joined();
        },
        take: (records, waitedMsMax) =>
          handler.take(
            records.filter(({ partition, offset }) => offset >= (ends.get(partition) ?? 0)),
            waitedMsMax,
          ),
        reached: (places) => handler.reached?.(places),
      };
      return consumer.run(filtering, signal);
    },
  });
}
