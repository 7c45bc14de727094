/**
 * The sending end for blocks over a log: a record a chunk. What is acknowledged to the sender is that
 * the log has the chunk; what became of the block its receiver writes into a topic of its own.
 */
import { WindrowError } from '../../../runtime/errors.ts';
import { Garbage } from '../../../runtime/garbage.ts';
import { unlessAborted } from '../../../runtime/unless-aborted.ts';
import { type BlockAck, BLOCK_ACKS_TOPIC, decodeBlockAck } from '../../records/block-ack.ts';
import { rawChunkBytes } from '../../limits.ts';
import {
  type BlockChunk,
  CHUNK_HEADER,
  chunkKey,
  DATA_BLOCKS_TOPIC,
  encodeChunkHeader,
} from '../../records/block-chunk.ts';
import { PROCESSING_STATUS_TOPIC } from '../../records/processing-status.ts';
import type { BlockCarrier, OutgoingChunk, Taken } from '../block-port.ts';
import type {
  Log,
  LogProducer,
  LogReader,
  LogRecord,
  NewLogRecord,
  ReadPlace,
  TopicSpec,
} from './port.ts';
import { prepareTopics } from './prepare.ts';

/** All that senders, receivers and who watches them say. */
export const BLOCK_TOPICS = [DATA_BLOCKS_TOPIC, BLOCK_ACKS_TOPIC, PROCESSING_STATUS_TOPIC];

/** Chunks that are on their way to the brokers at once, each by a producer of its own: of one producer it is one request. */
const inFlightBytesMax = 3 * rawChunkBytes;
const producersMax = inFlightBytesMax / rawChunkBytes;
/** Of payloads, each of which leaves some kilobytes of garbage, before all garbage is collected. */
const garbageBytesMax = 512 * rawChunkBytes;
const { signal: never } = new AbortController();

export interface LogBlocksOptions {
  readonly log: Log;
  readonly target: string;
  /** Those of blocks; made when they are missing, at the first chunk that gets through. */
  readonly topics: readonly TopicSpec[];
}

export class LogBlockCarrier implements BlockCarrier {
  readonly target: string;
  readonly #options: LogBlocksOptions;
  readonly #ways: readonly Way[];
  readonly #reader: LogReader;
  readonly #garbage = new Garbage(garbageBytesMax, 'all');
  readonly #closing = new AbortController();
  #preparing: Promise<void> | undefined;
  /** Before any chunk is sent it is known where acknowledgments begin that are of this sending. */
  readonly #prepared = Promise.withResolvers<void>();
  /** Where to hear on, by partition. */
  readonly #heardTo = new Map<number, ReadPlace>();

  constructor(options: LogBlocksOptions) {
    this.target = options.target;
    this.#options = options;
    this.#ways = Array.from({ length: producersMax }, () => new Way(options.log.producer()));
    this.#reader = options.log.reader(BLOCK_ACKS_TOPIC);
  }

  async send({ record, payload }: OutgoingChunk, signal: AbortSignal): Promise<Taken> {
    assertWanted(signal);
    // Of all that wait for it, so that it does not end with one that waits no longer.
    this.#preparing ??= this.#prepare(this.#closing.signal).catch((error: unknown) => {
      this.#preparing = undefined;
      throw error;
    });
    await unlessAborted(this.#preparing, signal, 'sending');
    const message = {
      topic: DATA_BLOCKS_TOPIC,
      key: chunkKey(record),
      value: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
      headers: { [CHUNK_HEADER]: encodeChunkHeader(record) },
      timeMs: record.sent_at,
    };
    this.#garbage.came(payload.length);
    await this.#wayOf(record).send(message, signal);
    return { nextChunk: record.chunk + 1 };
  }

  readonly acks = (signal: AbortSignal): AsyncIterable<BlockAck> => this.#acks(signal);

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#preparing?.catch(() => {});
    await Promise.all(this.#ways.map((way) => way.close()));
  }

  /** The same for all chunks of a block, so that they keep their order whatever fails. */
  #wayOf({ transfer_id: id, block_number: number }: BlockChunk): Way {
    const place = (Number.parseInt(id.slice(0, 8), 16) + number) % producersMax;
    return this.#ways[place] as Way;
  }

  async *#acks(signal: AbortSignal): AsyncGenerator<BlockAck> {
    const isPrepared = await unlessAborted(this.#prepared.promise, signal, 'hearing').then(
      () => true,
      () => false,
    );
    if (!isPrepared) return;
    const ended = new AbortController();
    try {
      for await (const records of this.#heard(AbortSignal.any([signal, ended.signal]))) {
        for (const { topic, partition, offset, value } of records) {
          this.#heardTo.set(partition, { topic, partition, offset: offset + 1 });
          const decoded = decodeBlockAck(value);
          if (decoded.kind === 'ack') yield decoded.ack;
        }
      }
    } finally {
      ended.abort();
    }
  }

  async #prepare(signal: AbortSignal): Promise<void> {
    await prepareTopics(this.#options.log, this.#options.topics, signal);
    for (const place of await this.#reader.end(signal)) {
      this.#heardTo.set(place.partition, place);
    }
    // What starting up leaves.
    this.#garbage.came(garbageBytesMax);
    this.#prepared.resolve();
  }

  /** The log is read no faster than they are used. */
  #heard(signal: AbortSignal): ReadableStream<readonly LogRecord[]> {
    const { readable, writable } = new TransformStream<readonly LogRecord[]>();
    const writer = writable.getWriter();
    const handlers = {
      take: (records: readonly LogRecord[]) => writer.write(records),
      caughtUp() {},
    };
    this.#reader
      .follow([...this.#heardTo.values()], handlers, signal)
      .then(() => writer.close())
      .catch((error: unknown) => writer.abort(error))
      // Nobody hears any longer.
      .catch(() => {});
    return readable;
  }
}

/** A producer, and what waits for it: one record is on its way at a time. */
class Way {
  readonly #producer: LogProducer;
  #last: Promise<unknown> = Promise.resolve();

  constructor(producer: LogProducer) {
    this.#producer = producer;
  }

  /** What waits when the signal aborts is not sent. @throws WindrowError of the producer, or `aborted` */
  send(record: NewLogRecord, signal: AbortSignal): Promise<void> {
    const sent = this.#last.then(() => {
      assertWanted(signal);
      // What is on its way is read until it has ended; the payload's memory is used anew after that.
      return this.#producer.send([record], never);
    });
    this.#last = sent.catch(() => {});
    return sent;
  }

  close(): Promise<void> {
    return this.#producer.close();
  }
}

function assertWanted(signal: AbortSignal): void {
  if (signal.aborted) throw new WindrowError('aborted', 'sending was aborted');
}
