/** Files in blocks as somebody else's program sends and acknowledges them: kafkajs and docs/wire.md, and no code of ours. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { EachMessagePayload, IHeaders, Message, Producer } from 'kafkajs';
import { kafkaJs } from './kafka.ts';

const chunkBytes = 983_040;
const blockBytes = 1024 * 1024;

export interface ForeignFile {
  readonly path: string;
  readonly content: Buffer;
  readonly sender: string;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Cut where that many bytes are full; of nothing there is one empty piece. */
function cut(sizeBytes: number, pieceBytes: number): Span[] {
  const count = Math.max(1, Math.ceil(sizeBytes / pieceBytes));
  return Array.from({ length: count }, (_, index) => ({
    start: index * pieceBytes,
    end: Math.min(sizeBytes, (index + 1) * pieceBytes),
  }));
}

export function transferIdOf({ path, sender, content }: ForeignFile): string {
  const identity = createHash('sha256').update(`${sender} ${path} `).update(content);
  return identity.digest('hex').slice(0, 32);
}

/** All of it, block after block, stored as it is. */
export function messagesOf(file: ForeignFile): Message[] {
  const { path, content, sender } = file;
  const id = transferIdOf(file);
  const blocks = cut(content.length, blockBytes);
  return blocks.flatMap(({ start, end }, blockNumber) => {
    const block = content.subarray(start, end);
    const chunks = cut(block.length, chunkBytes);
    return chunks.map((chunk, number) => {
      const value = block.subarray(chunk.start, chunk.end);
      const header = {
        v: 1,
        transfer_id: id,
        sender,
        file_name: path.split('/').at(-1),
        path,
        file_size_bytes: content.length,
        block_bytes: blockBytes,
        total_blocks: blocks.length,
        block_number: blockNumber,
        start_offset: start,
        end_offset: end,
        chunk: number,
        raw_bytes: value.length,
        encoding: 'raw',
        crc32: crc32(value).toString(16).padStart(8, '0'),
        sent_at: Date.now(),
        ...(number < chunks.length - 1
          ? {}
          : { last: { sha256: createHash('sha256').update(block).digest('hex') } }),
      };
      const headers: IHeaders = { 'windrow-chunk': JSON.stringify(header) };
      return { key: `${id}/${blockNumber}`, value, headers };
    });
  });
}

/** One after the other. */
export async function produce(
  brokers: readonly string[],
  topic: string,
  messages: readonly Message[],
): Promise<void> {
  const producer = kafkaJs(brokers).producer();
  await producer.connect();
  try {
    for (const message of messages) await producer.send({ topic, messages: [message] });
  } finally {
    await producer.disconnect();
  }
}

/** What the old system's consumer says of a block. */
export interface OldAck {
  readonly file_name: string;
  readonly block_number: number;
  readonly machine_id: string;
  readonly success: boolean;
  readonly timestamp: number;
}

/**
 * Acknowledges each block whose last chunk it reads, of all that are in the topic, as `judge` says, until it is disposed of.
 * @param judge gets the block and how often it has come before
 */
export async function acknowledging(
  brokers: readonly string[],
  judge: (fileName: string, block: number, timesBefore: number) => boolean,
): Promise<AsyncDisposable> {
  const kafka = kafkaJs(brokers);
  const [producer, consumer] = [kafka.producer(), kafka.consumer({ groupId: 'old-consumers' })];
  await Promise.all([producer.connect(), consumer.connect()]);
  const times = new Map<string, number>();
  // It has no share yet when this returns: from the end on it might miss what is sent at once.
  await consumer.subscribe({ topic: 'data-blocks', fromBeginning: true });
  await consumer.run({
    async eachMessage({ message }: EachMessagePayload) {
      const header = JSON.parse(String(message.headers?.['windrow-chunk'])) as {
        readonly file_name: string;
        readonly block_number: number;
        readonly last?: object;
      };
      if (header.last === undefined) return;
      const { file_name: name, block_number: block } = header;
      const before = times.get(`${name}/${block}`) ?? 0;
      times.set(`${name}/${block}`, before + 1);
      await sayAck(producer, {
        file_name: name,
        block_number: block,
        machine_id: 'old-machine',
        success: judge(name, block, before),
        timestamp: Date.now() / 1_000,
      });
    },
  });
  return {
    async [Symbol.asyncDispose]() {
      await consumer.disconnect();
      await producer.disconnect();
    },
  };
}

async function sayAck(producer: Producer, ack: OldAck): Promise<void> {
  const messages = [{ key: ack.file_name, value: JSON.stringify(ack) }];
  await producer.send({ topic: 'block-acknowledgments', messages });
}
