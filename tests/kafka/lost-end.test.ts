/** A broker that had records alone loses its power before they are on its disk: others come in their place. */
import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { batchesIn, endOf } from '../../wire/transport/kafka/fetch-answer.ts';
import { eventually } from '../support/http.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';

const topic = 'readings';
const never = new AbortController().signal;

async function send(brokers: readonly string[], values: readonly string[]): Promise<void> {
  const producer = kafkaJs(brokers).producer();
  await producer.connect();
  for (const value of values) await producer.send({ topic, messages: [{ key: 'k', value }] });
  await producer.disconnect();
}

/** Takes the batches behind this offset off the log's file. */
function loseEnd(path: string, offset: number): void {
  const bytes = readFileSync(path);
  let end = 0;
  for (const batch of batchesIn(bytes)) {
    if (endOf(batch) > offset) break;
    end += 12 + bytes.readInt32BE(end + 8);
  }
  truncateSync(path, end);
}

it.skipIf(kafkaMissing)(
  'whoever has read them reads what came in their place, though the log is longer than it was',
  async () => {
    const dataDir = temporaryFolder();
    await using cluster = await startCluster({ dataDir });
    const { brokers, nodes } = cluster;
    const [node] = nodes;
    await withAdmin(kafkaJs(brokers), (admin) =>
      admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }),
    );
    await send(brokers, ['a', 'b', 'c', 'd', 'e']);
    const { log, lines } = createKeptLog();
    const settings = { brokers, clientId: 'test', tls: undefined, sasl: undefined };
    const stopping = new AbortController();
    const taken: string[] = [];
    const working = Promise.withResolvers<void>();
    const reading = createKafkaLog(settings, log)
      .reader(topic)
      .follow(
        [],
        {
          async take(records) {
            taken.push(...records.map(({ value, offset }) => `${offset} ${value?.toString()}`));
            // It works on it until the broker is back and others have written.
            if (taken.length === 5) await working.promise;
          },
          caughtUp: () => {},
        },
        stopping.signal,
      );
    try {
      await eventually(async () => expect(taken).toHaveLength(5));
      await node?.kill();
      loseEnd(join(dataDir, 'node-1', 'data', `${topic}-0`, '0'.repeat(20) + '.log'), 3);
      await node?.start(never);
      await send(brokers, ['D', 'E', 'F', 'G']);
      working.resolve();
      await eventually(async () => {
        expect(taken).toEqual(expect.arrayContaining(['3 D', '4 E', '5 F', '6 G']));
      });
      expect(lines.map(({ msg }) => msg)).toContainEqual(
        expect.stringContaining('the log lost its end at the brokers'),
      );
    } finally {
      working.resolve();
      stopping.abort();
      await reading;
    }
  },
);
