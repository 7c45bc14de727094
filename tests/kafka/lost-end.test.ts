/** A broker that had records alone loses its power before they are on its disk: others come in their place. */
import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { batchesIn, endOf } from '../../wire/transport/kafka/fetch-answer.ts';
import { eventually as within } from '../support/http.ts';
import { kafkaJs, kafkaMissing, startCluster } from './support/kafka.ts';
import { makeTopics } from './support/topics.ts';

const topic = 'readings';
const never = new AbortController().signal;
/** A session ends, a broker begins anew and the longest pause between tries passes, beside other tests. */
const waitMsMax = 90_000;
const testMsMax = 5 * waitMsMax;

function eventually(check: () => void): Promise<void> {
  return within(async () => check(), waitMsMax);
}

async function startWithTopic({ dataDir, partitions }: { dataDir: string; partitions: number }) {
  const cluster = await startCluster({ dataDir });
  await makeTopics(kafkaJs(cluster.brokers), { topic, numPartitions: partitions });
  return cluster;
}

async function send(
  brokers: readonly string[],
  values: readonly string[],
  partition = 0,
): Promise<void> {
  const producer = kafkaJs(brokers).producer();
  await producer.connect();
  for (const value of values) await producer.send({ topic, messages: [{ partition, value }] });
  await producer.disconnect();
}

/** Takes the batches behind this offset off the partition's file. */
function loseEnd(dataDir: string, { partition, offset }: { partition: number; offset: number }) {
  const folder = join(dataDir, 'node-1', 'data', `${topic}-${partition}`);
  const path = join(folder, `${'0'.repeat(20)}.log`);
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
    await using cluster = await startWithTopic({ dataDir, partitions: 1 });
    const { brokers, nodes } = cluster;
    const [node] = nodes;
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
      await eventually(() => expect(taken).toHaveLength(5));
      await node?.kill();
      loseEnd(dataDir, { partition: 0, offset: 3 });
      await node?.start(never);
      await send(brokers, ['D', 'E', 'F', 'G']);
      working.resolve();
      await eventually(() => {
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
  testMsMax,
);

it.skipIf(kafkaMissing)(
  'a member of a group whose share was lost meanwhile is told how far each log is what it was',
  async () => {
    const dataDir = temporaryFolder();
    await using cluster = await startWithTopic({ dataDir, partitions: 2 });
    const { brokers, nodes } = cluster;
    const [node] = nodes;
    await send(brokers, ['a', 'b', 'c', 'd', 'e'], 0);
    await send(brokers, ['k', 'l', 'm', 'n'], 1);
    const { log } = createKeptLog();
    const settings = { brokers, clientId: 'test', tls: undefined, sasl: undefined };
    const stopping = new AbortController();
    const taken: string[] = [];
    const shares: (number | undefined)[][] = [];
    let isParted = false;
    const consumer = createKafkaLog(settings, log).consumer({
      group: 'g',
      member: 'one',
      topics: [topic],
    });
    const reading = consumer.run(
      {
        async assigned(_, startsAt) {
          const byPartition = startsAt.toSorted((a, b) => a.partition - b.partition);
          shares.push(byPartition.map(({ sameBefore }) => sameBefore));
          isParted = false;
        },
        async take(records) {
          for (const { partition, offset, value } of records) {
            taken.push(`${partition}/${offset} ${value?.toString()}`);
          }
        },
        parted: () => void (isParted = true),
      },
      stopping.signal,
    );
    try {
      await eventually(() => expect(taken).toHaveLength(9));
      await node?.kill();
      loseEnd(dataDir, { partition: 0, offset: 3 });
      loseEnd(dataDir, { partition: 1, offset: 2 });
      // Nobody has heard it for so long that its share may be another's.
      await eventually(() => expect(isParted).toBe(true));
      await node?.start(never);
      await send(brokers, ['D', 'E', 'F'], 0);
      await send(brokers, ['M', 'N', 'O'], 1);
      await eventually(() => {
        expect(taken).toEqual(expect.arrayContaining(['0/3 D', '0/5 F', '1/2 M', '1/4 O']));
      });
      expect(shares).toEqual([
        [undefined, undefined],
        [3, 2],
      ]);
    } finally {
      stopping.abort();
      await reading;
    }
  },
  testMsMax,
);

it.skipIf(kafkaMissing)(
  'a member that starts when the log is longer again reads what came before the committed offset',
  async () => {
    const dataDir = temporaryFolder();
    await using cluster = await startWithTopic({ dataDir, partitions: 1 });
    const { brokers, nodes } = cluster;
    const [node] = nodes;
    const settings = { brokers, clientId: 'test', tls: undefined, sasl: undefined };
    const { log, lines } = createKeptLog();
    /** Reads until it has this one, commits the offset behind it, and leaves. */
    const readThrough = async (last: string): Promise<readonly string[]> => {
      const stopping = new AbortController();
      const group = { group: 'g', member: 'one', topics: [topic] };
      const consumer = createKafkaLog(settings, log).consumer(group);
      const taken: string[] = [];
      const reading = consumer.run(
        {
          assigned: async () => {},
          async take(records) {
            taken.push(...records.map(({ offset, value }) => `${offset} ${value?.toString()}`));
          },
        },
        stopping.signal,
      );
      try {
        await eventually(() => expect(taken).toContain(last));
        const offset = Number.parseInt(last, 10) + 1;
        await consumer.commit([{ topic, partition: 0, offset }], never);
      } finally {
        stopping.abort();
        await reading;
      }
      return taken;
    };
    await send(brokers, ['a', 'b', 'c', 'd', 'e']);
    await readThrough('4 e');
    await send(brokers, ['f']);
    expect(await readThrough('5 f')).toEqual(['5 f']);
    await node?.kill();
    loseEnd(dataDir, { partition: 0, offset: 3 });
    await node?.start(never);
    await send(brokers, ['D', 'E', 'F', 'G']);
    expect(await readThrough('6 G')).toEqual(['3 D', '4 E', '5 F', '6 G']);
    expect(lines.map(({ msg }) => msg)).toContainEqual(
      expect.stringContaining('the log lost its end at the brokers'),
    );
    await send(brokers, ['H']);
    expect(await readThrough('7 H')).toEqual(['7 H']);
  },
  testMsMax,
);
