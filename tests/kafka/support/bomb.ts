/** Batches that no reader of ours takes apart, as the independent client writes them. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { compressionsAlgorithms } from '@platformatic/kafka';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { kafkaJs } from './kafka.ts';

const MiB = 1024 * 1024;
/** One record of a bomb: two of them are more than a batch may unpack to. */
const recordBytes = 10 * MiB;
/** Bytes of a block of Snappy, before it is packed, as Java's clients make it. */
const snappyBlockBytes = 64 * 1024;

export const bombReason = 'a batch unpacks to more than 16 MiB';

const PACKERS = {
  GZIP: (bytes: Buffer) => gzipSync(bytes),
  Snappy: snappyFramed,
  LZ4: (bytes: Buffer) => compressionsAlgorithms.lz4.compressSync(bytes),
  ZSTD: (bytes: Buffer) => zstdCompressSync(bytes),
} as const;

export type Packing = keyof typeof PACKERS;
export const packings = Object.keys(PACKERS) as Packing[];

export interface Bomb {
  readonly topic: string;
  readonly partition: number;
  readonly packing?: Packing;
  /** What it unpacks to. */
  readonly bytes?: number;
}

/** Two records, of which nothing can be read. */
export async function sendBomb(
  brokers: readonly string[],
  { topic, partition, packing = 'ZSTD', bytes = 2 * recordBytes }: Bomb,
): Promise<void> {
  const compression = CompressionTypes[packing];
  CompressionCodecs[compression] = () => ({
    compress: async (encoder: { buffer: Buffer }) => PACKERS[packing](encoder.buffer),
    decompress: async () => Buffer.alloc(0),
  });
  const producer = kafkaJs(brokers).producer();
  await producer.connect();
  const record = { key: 'k', value: Buffer.alloc(bytes / 2), partition };
  await producer.send({ topic, messages: [record, record], compression });
  await producer.disconnect();
}

/** In blocks, each with its size: a broker takes one apart at a time. */
function snappyFramed(bytes: Buffer): Buffer {
  const head = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const parts: Buffer[] = [head];
  for (let at = 0; at < bytes.length; at += snappyBlockBytes) {
    const block = compressionsAlgorithms.snappy.compressSync(
      bytes.subarray(at, at + snappyBlockBytes),
    );
    const size = Buffer.alloc(4);
    size.writeUInt32BE(block.length);
    parts.push(size, block);
  }
  return Buffer.concat(parts);
}
