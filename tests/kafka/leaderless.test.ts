/** One broker is down that alone had some partitions. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { KafkaProducer } from '../../wire/transport/kafka/producer.ts';
import type { SlotStart } from '../../wire/transport/log/port.ts';
import { eventually } from '../support/http.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { makeTopics } from './support/topics.ts';

/** On one broker each, and on all. */
const [thin, thick] = ['thin', 'thick'];
const healMsMax = 90_000;
const testMsMax = 6 * healMsMax;

const settings = { clientId: 'test', tls: undefined, sasl: undefined };

/** Of partition 0 of the thin topic. kafkajs does not answer while one of a topic has no leader. */
async function leaderIn(brokers: readonly string[]): Promise<number> {
  const { topics } = await withAdmin(kafkaJs(brokers), (admin) =>
    admin.fetchTopicMetadata({ topics: [thin] }),
  );
  const first = topics[0]?.partitions.find(({ partitionId }) => partitionId === 0);
  return first?.leader ?? -1;
}

async function write(
  brokers: readonly string[],
  { topic, partition }: { topic: string; partition: number },
  value: string,
): Promise<void> {
  const producer = kafkaJs(brokers).producer();
  await producer.connect();
  await producer.send({ topic, messages: [{ partition, value }] });
  await producer.disconnect();
}

function read(brokers: readonly string[], member: string) {
  const { log, lines } = createKeptLog();
  const source = createKafkaLog({ ...settings, brokers }, log);
  const seen: string[] = [];
  const interruptions: (string | undefined)[] = [];
  const starts: SlotStart[] = [];
  const ends = new Map<string, number>();
  const stopping = new AbortController();
  const options = { group: 'readers', member, topics: [thin, thick] };
  const ended = source.consumer(options).run(
    {
      assigned: async (_, startsAt) => void starts.push(...startsAt),
      take: async (records) => void seen.push(...records.map(({ value }) => String(value))),
      interrupted: (why) => void interruptions.push(why),
      ends(places) {
        for (const { topic, partition, offset } of places) {
          ends.set(`${topic}/${partition}`, offset);
        }
      },
    },
    stopping.signal,
  );
  const stop = (): Promise<void> => {
    stopping.abort();
    return ended;
  };
  onTestFinished(stop);
  return { seen, interruptions, starts, ends, lines, stop };
}

/** Follows the thin topic in no group. @returns why not all of it can be read, each time that it changes */
function follow(brokers: readonly string[]): (string | undefined)[] {
  const source = createKafkaLog({ ...settings, brokers }, createKeptLog().log);
  const interruptions: (string | undefined)[] = [];
  const stopping = new AbortController();
  const ended = source.reader(thin).follow(
    [],
    {
      take: async () => {},
      caughtUp: () => {},
      interrupted: (why) => void interruptions.push(why),
    },
    stopping.signal,
  );
  onTestFinished(() => {
    stopping.abort();
    return ended;
  });
  return interruptions;
}

describe.skipIf(kafkaMissing)('a partition without leader', () => {
  it(
    'keeps no other from being read and written, is told once, and is read again when its broker is back',
    async () => {
      await using cluster = await startCluster({ nodes: 3 });
      const { brokers } = cluster;
      await makeTopics(
        kafkaJs(brokers),
        { topic: thin, numPartitions: 3, replicationFactor: 1 },
        { topic: thick, numPartitions: 3, replicationFactor: 3 },
      );
      const lonely = { topic: thin, partition: 0 };
      const one = read(brokers, 'one');
      await write(brokers, lonely, 'before');
      await eventually(async () => expect(one.seen).toEqual(['before']), healMsMax);
      const node = await leaderIn(brokers);
      const alive = brokers.filter((_, index) => index !== node - 1);
      await cluster.nodes[node - 1]?.kill();
      const name = `no leader of ${thin}/0`;
      await eventually(async () => expect(one.interruptions.at(-1)).toContain(name), healMsMax);
      const ofWhole = follow(alive);
      await eventually(async () => {
        expect(ofWhole.at(-1)).toBe(`${thin} cannot be read: ${name}`);
      }, healMsMax);
      const others = [0, 1, 2].map((partition) => ({ topic: thick, partition }));
      for (const other of others) await write(alive, other, `while ${other.partition}`);
      await eventually(async () => expect(one.seen).toHaveLength(4), healMsMax);
      expect(one.seen.slice(1).toSorted()).toEqual(['while 0', 'while 1', 'while 2']);
      expect(one.lines.filter(({ msg }) => msg.includes(name))).toHaveLength(1);
      // Who writes to the other partitions of the same topic is not stopped.
      const producer = new KafkaProducer({ ...settings, brokers: alive }, createKeptLog().log);
      onTestFinished(() => producer.close());
      const send = (partition: number): Promise<void> => {
        const record = { topic: thin, partition, key: 'k', value: 'ours' };
        return producer.send([record], AbortSignal.timeout(testMsMax));
      };
      await expect(send(0)).rejects.toThrow('thin cannot be written: a partition has no leader');
      await send(1);
      await send(2);
      // Somebody who comes now gets a share, too.
      const newcomer = read(alive, 'two');
      await eventually(async () => expect(newcomer.starts).not.toEqual([]), healMsMax);
      await newcomer.stop();
      await cluster.nodes[node - 1]?.start(AbortSignal.timeout(testMsMax));
      await eventually(async () => expect(await leaderIn(brokers)).toBe(node), healMsMax);
      await write(brokers, lonely, 'after');
      await eventually(async () => expect(one.seen).toContain('after'), healMsMax);
      await eventually(async () => expect(one.interruptions.at(-1)).toBeUndefined(), healMsMax);
      await eventually(async () => expect(ofWhole.at(-1)).toBeUndefined(), healMsMax);
      expect(one.ends.get(`${thin}/0`)).toBe(2);
    },
    testMsMax,
  );
});
