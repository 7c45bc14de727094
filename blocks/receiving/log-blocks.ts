/**
 * Takes blocks in from a log, as a member of a group.
 *
 * Invariant: an offset is committed only when each block that begins before it was stored, or has
 * failed, or was given up, and its acknowledgment is in the log.
 */
import { systemClock } from '../../runtime/clock.ts';
import { WindrowError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';
import { Telling } from '../../runtime/telling.ts';
import { BLOCK_ACKS_TOPIC, type BlockAck, ackKey } from '../../wire/records/block-ack.ts';
import {
  type BlockChunk,
  CHUNK_HEADER,
  chunkKey,
  DATA_BLOCKS_TOPIC,
  decodeChunk,
} from '../../wire/records/block-chunk.ts';
import { Trouble } from '../../wire/transport/kafka/trouble.ts';
import type {
  LogProducer,
  LogRecord,
  PartitionOffset,
  SlotHandler,
  SlotStart,
  UnreadableRecords,
} from '../../wire/transport/log/port.ts';
import { Slots } from '../sending/slots.ts';
import { failureAck, type Here, refusalAck, unnamedFailureAck } from './acks.ts';
import { LogLane } from './log-lane.ts';
import type { BlockReceiver } from './receiver.ts';

/** Read and not written yet: two for each thread, some 4 MB. */
const inHandMax = 4;
/** Blocks whose failure was told, of which more chunks may come. */
const failedMax = 1_000;
/** Log lines about records that are no chunks: one in so long. */
const toldEveryMs = 10_000;
const nothing = Buffer.alloc(0);
const { signal: never } = new AbortController();

interface Outcome {
  /** To be told. */
  readonly ack: BlockAck | undefined;
}

export interface LogBlocksOptions {
  readonly receiver: BlockReceiver;
  readonly producer: LogProducer;
  readonly here: () => Here;
  readonly log: Logger;
}

export class LogBlocks implements SlotHandler {
  /** Records that are no chunks, or cannot be read. */
  malformed = 0;
  readonly #options: LogBlocksOptions;
  readonly #lanes = new Map<number, LogLane>();
  readonly #inHand = new Slots(inHandMax);
  readonly #stopped = new AbortController();
  /** Aborts with the share of the log that is read now, and when all is stopped. */
  #share = new AbortController();
  /** In hand without a slot: at most what one call of `take` brought. */
  #beyond = 0;
  readonly #taking: Trouble;
  readonly #telling: Trouble;
  /** For want of room, until a block begins again. */
  readonly #refusing = new Telling(systemClock);
  #toldMs = Number.NEGATIVE_INFINITY;
  /** By the key of their chunks. */
  readonly #failed = new Set<string>();

  constructor(options: LogBlocksOptions) {
    this.#options = options;
    this.#taking = new Trouble(options.log, 'blocks are taken in again');
    this.#telling = new Trouble(options.log, 'blocks are acknowledged again');
  }

  /** That are ours. */
  get partitions(): number[] {
    return [...this.#lanes.keys()].sort((a, b) => a - b);
  }

  async assigned(slots: ReadonlySet<number>, startsAt: readonly SlotStart[]): Promise<void> {
    const anew = new Set(startsAt.map(({ partition }) => partition));
    const gone = [...this.#lanes.values()].filter(
      ({ partition }) => !slots.has(partition) || anew.has(partition),
    );
    for (const { partition } of gone) this.#lanes.delete(partition);
    await Promise.all(gone.map((lane) => lane.drop()));
    if (this.#stopped.signal.aborted) return;
    this.#share = new AbortController();
    for (const start of startsAt) {
      this.#lanes.set(start.partition, new LogLane(start, this.#options.receiver));
    }
  }

  /** The group waits for us: what is being taken waits for no slot any longer. */
  ending(): void {
    this.#share.abort();
  }

  async take(records: readonly LogRecord[]): Promise<void> {
    const mayGoBeyond = this.#beyond === 0;
    for (const record of records) {
      const giveBack = await this.#slot(mayGoBeyond);
      if (giveBack === undefined) return;
      const lane = this.#lanes.get(record.partition);
      if (lane === undefined) giveBack();
      else {
        lane.add(record, async () => {
          const isDone = await this.#handle(record, lane.signal);
          // A megabyte that the collector of garbage would see only after some collections.
          record.release?.();
          giveBack();
          return isDone;
        });
      }
    }
  }

  /** @returns how to give it back; undefined: all is stopped */
  async #slot(mayGoBeyond: boolean): Promise<(() => void) | undefined> {
    const { signal } = mayGoBeyond ? this.#share : this.#stopped;
    const giveBack = await this.#inHand.take(signal).catch(() => undefined);
    if (giveBack !== undefined || this.#stopped.signal.aborted) return giveBack;
    this.#beyond += 1;
    return () => {
      this.#beyond -= 1;
    };
  }

  reached(places: readonly PartitionOffset[]): void {
    if (this.#stopped.signal.aborted) return;
    for (const { partition, offset } of places) this.#lanes.get(partition)?.reached(offset);
  }

  /** Nobody can say whose they are: what they had of a block is missing at its end. */
  unreadable({ partition, offset, endOffset, reason }: UnreadableRecords): void {
    this.#countMalformed(endOffset - offset, { partition, offset, reason });
  }

  /** What is new since the last `commit`. */
  get uncommitted(): PartitionOffset[] {
    return [...this.#lanes.values()]
      .filter(({ committable, committedOffset }) => committable > committedOffset)
      .map(({ partition, committable: offset }) => ({
        topic: DATA_BLOCKS_TOPIC,
        partition,
        offset,
      }));
  }

  /**
   * Gives what is new to `write`. Rejects as that does; then it stays new.
   * @returns whether there was anything
   */
  async commit(write: (offsets: readonly PartitionOffset[]) => Promise<void>): Promise<boolean> {
    const offsets = this.uncommitted;
    if (offsets.length === 0) return false;
    // A partition that comes back meanwhile begins where the group says, not here.
    const lanes = new Map(this.#lanes);
    await write(offsets);
    for (const { partition, offset } of offsets) {
      const lane = lanes.get(partition);
      if (lane !== undefined) lane.committedOffset = offset;
    }
    return true;
  }

  /** Nothing more is dealt with; resolves when nothing is being done. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#share.abort();
    await Promise.all([...this.#lanes.values()].map((lane) => lane.stop()));
  }

  /** @returns whether all was done, and not broken off by the signal */
  async #handle(record: LogRecord, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const { key, value, headers } = record;
    const decoded = decodeChunk({
      header: headers.get(CHUNK_HEADER)?.toString(),
      payloadBytes: value?.length ?? 0,
      key: String(key),
    });
    const outcome =
      decoded.kind === 'chunk'
        ? await this.#takeChunk(decoded.chunk, record, signal)
        : { ack: this.#refuse(record, decoded.reason) };
    if (outcome?.ack === undefined) return outcome !== undefined;
    return this.#tell(outcome.ack, signal);
  }

  /** Undefined: the signal came first. */
  async #takeChunk(
    chunk: BlockChunk,
    { value: payload = nothing, partition, offset }: LogRecord,
    signal: AbortSignal,
  ): Promise<Outcome | undefined> {
    // It is sent anew; the rest of what failed does not come any more.
    if (chunk.chunk === 0) this.#failed.delete(chunkKey(chunk));
    const mark = { lane: String(partition), position: BigInt(offset) };
    while (!signal.aborted) {
      try {
        const { nextChunk, ack } = await this.#options.receiver.take({ chunk, payload, mark });
        this.#taking.over();
        if (chunk.chunk === 0) this.#refusing.over();
        if (ack === undefined && nextChunk <= chunk.chunk) return { ack: this.#missing(chunk) };
        if (ack?.success === false) this.#noteFailed(chunk);
        return { ack };
      } catch (error) {
        if (!(error instanceof WindrowError) || !error.retryable) {
          this.#noteFailed(chunk);
          const ack = refusalAck(chunk, error, this.#options.here());
          if (ack.later === true && this.#refusing.failed(error))
            this.#options.log.warn(ack.reason);
          return { ack };
        }
        await this.#taking.failed(error, signal);
      }
    }
    return undefined;
  }

  /** What came before this chunk is not here. Told once for a block, so that it is sent anew at once. */
  #missing(chunk: BlockChunk): BlockAck | undefined {
    if (chunk.last === undefined) return undefined;
    if (this.#failed.delete(chunkKey(chunk))) return undefined;
    const reason = 'the receiver does not have what came before';
    return failureAck(chunk, reason, this.#options.here());
  }

  #noteFailed(chunk: BlockChunk): void {
    if (chunk.last !== undefined) return;
    this.#failed.add(chunkKey(chunk));
    const [oldest] = this.#failed;
    if (this.#failed.size > failedMax && oldest !== undefined) this.#failed.delete(oldest);
  }

  /** Its sender hears of it, where the record says whose it is. */
  #refuse({ key, headers, partition, offset }: LogRecord, reason: string): BlockAck | undefined {
    this.#countMalformed(1, { partition, offset, reason });
    const header = headers.get(CHUNK_HEADER)?.toString();
    return unnamedFailureAck({ key: String(key), header, reason }, this.#options.here());
  }

  #countMalformed(
    records: number,
    facts: { readonly partition: number; readonly offset: number; readonly reason: string },
  ): void {
    this.malformed += records;
    const nowMs = performance.now();
    if (nowMs - this.#toldMs < toldEveryMs) return;
    const { malformed } = this;
    this.#options.log.warn({ ...facts, malformed }, 'a record is no chunk of a block');
    this.#toldMs = nowMs;
  }

  async #tell(ack: BlockAck, signal: AbortSignal): Promise<boolean> {
    const { producer, log } = this.#options;
    const key = ackKey(ack) ?? ack.file_name;
    const record = { topic: BLOCK_ACKS_TOPIC, key, value: JSON.stringify(ack) };
    for (;;) {
      try {
        // At a stop too: what is done is told, so that nobody does it again.
        await producer.send([record], never);
        this.#telling.over();
        return true;
      } catch (error) {
        if (!(error instanceof WindrowError)) throw error;
        if (signal.aborted) return false;
        if (!error.retryable) {
          log.error({ key }, error.message);
          return true;
        }
        await this.#telling.failed(error, signal);
      }
    }
  }
}
