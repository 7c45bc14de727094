/** A batch that no reader of ours takes apart, as the independent client writes it. */
import { zstdCompressSync } from 'node:zlib';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { kafkaJs } from './kafka.ts';

/** One record of a bomb: two of them are more than a batch may unpack to. */
const recordBytes = 10 * 1024 * 1024;

export const bombReason = 'a batch unpacks to more than 16 MiB';

/** Two records, of which nothing can be read. */
export async function sendBomb(
  brokers: readonly string[],
  { topic, partition }: { readonly topic: string; readonly partition: number },
): Promise<void> {
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async (encoder: { buffer: Buffer }) => zstdCompressSync(encoder.buffer),
    decompress: async () => Buffer.alloc(0),
  });
  const producer = kafkaJs(brokers).producer();
  await producer.connect();
  const record = { key: 'k', value: Buffer.alloc(recordBytes), partition };
  const messages = [record, record];
  await producer.send({ topic, messages, compression: CompressionTypes.ZSTD });
  await producer.disconnect();
}
