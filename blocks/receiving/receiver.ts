/**
 * Takes blocks in, chunk by chunk, from whichever transport.
 *
 * Invariant: an acknowledgment says `success` only after the block's bytes were verified, processed
 * where somebody asked for that, and are on the disk for good, as is the note of them. What comes
 * once more is acknowledged once more and changes nothing.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolderDurably } from '../../runtime/durable-file.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { lockFolder } from '../../runtime/folder-lock.ts';
import { Garbage } from '../../runtime/garbage.ts';
import type { BlockAck } from '../../wire/records/block-ack.ts';
import type { BlockChunk } from '../../wire/records/block-chunk.ts';
import { chunkCount, chunkSpan } from '../../wire/records/block-shape.ts';
import { ackOf, duplicateAck, failureAck } from './acks.ts';
import { openIndex, type ReceivedIndex } from './received-index.ts';
import { blockPaths, type Layout, layoutOf } from './layout.ts';
import { type Mark, OpenBlock } from './open-block.ts';
import { OpenBlocks } from './open-blocks.ts';
import { BadBlockError } from './part-file.ts';
import { PayloadBuffers } from './payload-buffers.ts';
import type { ReceiverOptions } from './port.ts';
import { assertRoom } from './room.ts';
import { assertSameFile, fileOf } from './same-file.ts';
import { SenderFigures } from './sender-figures.ts';
import { Storing } from './storing.ts';
import type { Done } from './stages.ts';
import { BlockThreads } from './threads/threads.ts';

/** Chunks that are being taken in at once: with what is made of each, some 60 MB. */
export const chunksMax = 32;
const busyRetryMs = 2_000;
/** Of payloads, of each of which transports leave one copy or two, before these are collected. */
const garbageBytesMax = 4 * 1024 * 1024;

export interface IncomingChunk {
  readonly chunk: BlockChunk;
  /** One in a buffer of the receiver's is taken away; any other is copied. */
  readonly payload: Uint8Array;
  readonly mark?: Mark | undefined;
}

export interface Taken {
  /** The chunk that is wanted next. Not beyond the one that came: that one was not taken, as what lies before it is missing. */
  readonly nextChunk: number;
  /** What became of the block. */
  readonly ack?: BlockAck;
}

/** Since the start. */
export interface ReceiverCounts {
  blocks: number;
  bytes: number;
  duplicates: number;
  failures: number;
}

export class BlockReceiver {
  readonly layout: Layout;
  readonly index: ReceivedIndex;
  readonly counts: ReceiverCounts = { blocks: 0, bytes: 0, duplicates: 0, failures: 0 };
  /** What their senders tell with the blocks that are stored. */
  readonly senders = new SenderFigures();
  readonly #options: ReceiverOptions;
  readonly #open = new OpenBlocks();
  /** For whoever reads payloads. */
  readonly buffers = new PayloadBuffers();
  readonly #threads = new BlockThreads(this.buffers);
  readonly #storing: Storing;
  readonly #garbage = new Garbage(garbageBytesMax);
  readonly #unlock: () => void;
  #chunks = 0;
  #partNo = 0;
  #closing: Promise<void> | undefined;

  /** @throws WindrowError `store_unavailable`, or what the system says when the folder cannot be used */
  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.layout = layoutOf(options.folder, options.machineId);
    const { folderSetting } = options;
    this.#unlock = lockFolder(this.layout.workFolder, 'receiver of files', folderSetting);
    try {
      makeFolderDurably(this.layout.partsFolder);
      emptyFolder(this.layout.partsFolder);
      this.index = openIndex({
        path: this.layout.indexPath,
        blocksFolder: this.layout.blocksFolder,
        nowMs: () => options.clock.wallMs(),
        onDamage: (file) =>
          options.log.error({ file }, 'the damaged list of received blocks was set aside'),
      });
    } catch (error) {
      this.#unlock();
      throw error;
    }
    this.#storing = new Storing(options, this.layout, this.index);
  }

  get openBlocks(): number {
    return this.#open.size;
  }

  /** What its threads have done since the start. */
  get done(): Done {
    return this.#threads.done;
  }

  /** Whether another chunk would have to wait: ask before its payload is read. */
  get isBusy(): boolean {
    return this.#chunks >= chunksMax || this.#closing !== undefined;
  }

  /** @throws WindrowError: `input` and `refused` for good; others, retryable, when the same chunk may be taken later */
  async take(incoming: IncomingChunk): Promise<Taken> {
    if (this.isBusy) throw busy('the receiver has as many chunks in hand as it can hold');
    this.#chunks += 1;
    this.#garbage.came(incoming.payload.length);
    try {
      return await this.#take(incoming);
    } finally {
      this.#chunks -= 1;
    }
  }

  /** The lowest place in that lane from which a restart would have to read; undefined: nothing is open there. */
  oldestNeeded(lane: string): bigint | undefined {
    let oldest: bigint | undefined;
    for (const { mark } of this.#open.ofLane(lane)) {
      if (mark !== undefined && (oldest === undefined || mark.position < oldest)) {
        oldest = mark.position;
      }
    }
    return oldest;
  }

  /** The lane went to somebody else: what is open of it is given up. */
  forgetLane(lane: string): Promise<void> {
    return this.#endAll(this.#open.ofLane(lane));
  }

  /** Whether a block of that transfer is on its way. */
  isOpen(transferId: string): boolean {
    return this.#open.hasTransfer(transferId);
  }

  /** Gives up what nobody goes on with. */
  expire(): Promise<void> {
    return this.#endAll(this.#open.abandoned(this.#options.clock.monotonicMs()));
  }

  /** What is on its way is given up; its sender begins it anew. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#endAll(this.#open.all());
    await this.#threads.close();
    this.index.close();
    this.#unlock();
  }

  #take(incoming: IncomingChunk): Promise<Taken> {
    const { chunk, mark } = incoming;
    const open = this.#open.of(chunk);
    if (open !== undefined) {
      assertSameFile(open.first, chunk);
      return open.inTurn(() => this.#advance(open, incoming));
    }
    const stored = this.#storedBefore(incoming);
    if (stored !== undefined) return Promise.resolve(stored);
    if (chunk.chunk !== 0) return Promise.resolve({ nextChunk: 0 });
    this.#assertRoom(incoming);
    const begun = new OpenBlock(chunk, { mark, nowMs: this.#options.clock.monotonicMs() });
    this.#open.add(begun);
    return begun.inTurn(async () => {
      try {
        this.#partNo += 1;
        begun.part = await this.#threads.open(join(this.layout.partsFolder, `${this.#partNo}`));
      } catch (error) {
        await this.#end(begun);
        throw error;
      }
      return this.#advance(begun, incoming);
    });
  }

  #storedBefore({ chunk, mark }: IncomingChunk): Taken | undefined {
    const transfer = this.index.transfer(chunk.transfer_id);
    if (transfer === undefined) return undefined;
    assertSameFile(fileOf(transfer), chunk);
    const block = this.index.block(transfer, chunk.block_number);
    if (block === undefined) return undefined;
    const { path } = blockPaths(this.layout, transfer.folder, chunk.block_number);
    // Somebody may have taken the file away.
    if (statSync(path, { throwIfNoEntry: false })?.size !== block.size_bytes) return undefined;
    const nextChunk = chunkCount(block.size_bytes);
    // A log brings them all, whatever is answered: the block is one repeat, told at its end.
    if (mark !== undefined && chunk.last === undefined) return { nextChunk };
    this.counts.duplicates += 1;
    const ack = duplicateAck(chunk, block.sha256, this.#here());
    this.#options.observer?.acknowledged(ack);
    return { nextChunk, ack };
  }

  /** @throws WindrowError, not retryable `no_room`: it is to be sent again later */
  #assertRoom({ chunk, mark }: IncomingChunk): void {
    if (this.#open.isFull(mark)) {
      const quietest = this.#open.quietest(this.#options.clock.monotonicMs());
      if (quietest === undefined) {
        throw busy('the receiver has as many open blocks as it can hold');
      }
      void this.#end(quietest);
    }
    try {
      assertRoom(this.layout.folder, this.#options.quotaBytes, {
        sizeBytes: chunk.end_offset - chunk.start_offset,
        usedBytes: this.index.usedBytes,
        ...this.#open.bytes,
      });
    } catch (error) {
      throw mark !== undefined && this.#open.size > 0 ? passedBy(error) : error;
    }
  }

  async #advance(open: OpenBlock, incoming: IncomingChunk): Promise<Taken> {
    // It was stored or given up while this chunk waited for its turn.
    if (open.hasEnded) return this.#take(incoming);
    const { chunk, payload } = incoming;
    if (chunk.chunk !== open.nextChunk) return { nextChunk: open.nextChunk };
    open.heardMs = this.#options.clock.monotonicMs();
    try {
      if (open.storedIn === undefined) await this.#write(open, chunk, payload);
      if (chunk.last !== undefined) return await this.#finish(open, chunk, chunk.last.sha256);
      open.nextChunk += 1;
      return { nextChunk: open.nextChunk };
    } catch (error) {
      if (!(error instanceof BadBlockError)) throw error;
      return await this.#fail(open, chunk, error.message);
    }
  }

  async #write(open: OpenBlock, chunk: BlockChunk, payload: Uint8Array): Promise<void> {
    const { start, end } = chunkSpan(open.sizeBytes, chunk.chunk);
    const { encoding, crc32, raw_bytes } = chunk;
    await open.part?.write({ offset: start, rawBytes: raw_bytes, encoding, crc32 }, payload);
    open.writtenBytes = end;
    this.#options.observer?.arrived(chunk, raw_bytes);
  }

  /** May be called again after it failed for the disk's sake. */
  async #finish(open: OpenBlock, chunk: BlockChunk, sha256: string): Promise<Taken> {
    open.storedIn ??= await this.#storing.store(open, chunk, sha256);
    await this.index.stored(open.storedIn, chunk.block_number, {
      size_bytes: open.sizeBytes,
      sha256,
    });
    this.#open.end(open);
    this.counts.blocks += 1;
    this.counts.bytes += open.sizeBytes;
    this.senders.stored(chunk);
    const ack = ackOf(chunk, sha256, this.#here());
    this.#options.observer?.acknowledged(ack, open.storedIn);
    return { nextChunk: chunkCount(open.sizeBytes), ack };
  }

  async #fail(open: OpenBlock, chunk: BlockChunk, reason: string): Promise<Taken> {
    await this.#end(open);
    this.counts.failures += 1;
    const ack = failureAck(chunk, reason, this.#here());
    const { sender, transfer_id: transfer, block_number: block } = chunk;
    this.#options.log.warn({ sender, transfer, block, reason: ack.reason }, 'a block failed');
    this.#options.observer?.acknowledged(ack);
    return { nextChunk: 0, ack };
  }

  async #endAll(blocks: readonly OpenBlock[]): Promise<void> {
    await Promise.all(blocks.map((open) => open.inTurn(() => this.#end(open))));
  }

  async #end(open: OpenBlock): Promise<void> {
    if (open.hasEnded) return;
    this.#open.end(open);
    await open.part?.drop();
  }

  #here() {
    const { machineId, clock } = this.#options;
    return { machineId, nowMs: clock.wallMs() };
  }
}

/** Of blocks that were on their way: their senders begin them anew. The folder stays, as on a full disk none can be made. */
function emptyFolder(path: string): void {
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
}

/**
 * A log is read in its order, and no further while what was read waits: a first chunk that waited for
 * room would stand before the rest of the very blocks for which that room is kept, and none of them
 * would ever be whole.
 */
function passedBy(error: unknown): unknown {
  if (!(error instanceof WindrowError) || error.code !== 'no_room') return error;
  return new WindrowError('no_room', `${error.message}, with what was begun before`);
}

function busy(message: string): WindrowError {
  return new WindrowError('overloaded', message, { retryable: true, retryAfterMs: busyRetryMs });
}
