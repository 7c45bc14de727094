/** What others write, and topics that take little. */
import { randomUUID } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { kafkaJs, suiteBrokers, suiteKafkaMissing, withAdmin } from './support/kafka.ts';

const never = new AbortController().signal;
const waitMsMax = { timeout: 30_000 };

async function scene(configEntries: { name: string; value: string }[] = []) {
  const topic = `hostile-${randomUUID()}`;
  await withAdmin(kafkaJs(suiteBrokers()), (admin) =>
    admin.createTopics({
      topics: [{ topic, numPartitions: 1, configEntries }],
      waitForLeaders: true,
    }),
  );
  const { log: logger, lines } = createKeptLog();
  const settings = { clientId: 'test', tls: undefined, sasl: undefined };
  const log = createKafkaLog({ ...settings, brokers: suiteBrokers() }, logger);
  const seen: string[] = [];
  const stopping = new AbortController();
  const take = async (records: readonly { value: Buffer | undefined }[]): Promise<void> =>
    void seen.push(...records.map(({ value }) => String(value)));
  const reading = log.reader(topic).follow([], { take, caughtUp: () => {} }, stopping.signal);
  onTestFinished(() => {
    stopping.abort();
    return reading;
  });
  return { topic, log, lines, seen };
}

describe.skipIf(suiteKafkaMissing)('kafka', () => {
  it('a batch that unpacks to 64 MiB is passed by and told; what is behind it is read', async () => {
    const { topic, lines, seen } = await scene();
    CompressionCodecs[CompressionTypes.ZSTD] = () => ({
      compress: async (encoder: { buffer: Buffer }) => zstdCompressSync(encoder.buffer),
      decompress: async () => Buffer.alloc(0),
    });
    const producer = kafkaJs(suiteBrokers()).producer();
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    const bomb = { key: 'k', value: Buffer.alloc(64 * 1024 * 1024) };
    await producer.send({ topic, messages: [bomb], compression: CompressionTypes.ZSTD });
    await producer.send({ topic, messages: [{ key: 'k', value: 'behind' }] });
    await vi.waitFor(() => expect(seen).toEqual(['behind']), waitMsMax);
    expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { topic, offset: 0, to: 1, msg: 'a batch unpacks to more than 16 MiB; goes on behind them' },
    ]);
  });

  it('of what is too large together all is written; one that is so alone is refused, and no other', async () => {
    const { topic, log, seen } = await scene([{ name: 'max.message.bytes', value: '2000' }]);
    const producer = log.producer();
    onTestFinished(() => producer.close());
    const record = (value: string) => ({ topic, key: 'k', value });
    const small = Array.from({ length: 20 }, (_, n) => record(`${n}`.padEnd(300, '.')));
    await producer.send(small, never);
    await vi.waitFor(() => expect(new Set(seen).size).toBe(20), waitMsMax);
    expect(seen).toEqual(small.map(({ value }) => value));
    const large = record('x'.repeat(3_000));
    const sending = producer.send([record('before'), large, record('after')], never);
    await expect(sending).rejects.toMatchObject({
      code: 'refused',
      retryable: false,
      records: [large],
    });
    await vi.waitFor(() => expect(seen.slice(20)).toEqual(['before', 'after']), waitMsMax);
  });
});
