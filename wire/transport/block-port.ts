/**
 * The port between the sender of blocks and what carries them to a receiver.
 *
 * - Chunks of one block are sent in order, the next when the one before was taken; of several
 *   blocks at once.
 * - A chunk may be sent again, and a whole block: a receiver that has it takes it as a repeat.
 * - A block is done when an acknowledgment says so: it comes with the answer to a chunk, or by `acks`.
 */
import type { BlockAck } from '../records/block-ack.ts';
import type { BlockChunk } from '../records/block-chunk.ts';

export interface OutgoingChunk {
  readonly record: BlockChunk;
  readonly payload: Uint8Array;
}

export interface Taken {
  /**
   * The chunk that is wanted next: usually the following. A later one: those between are there
   * already. This one or an earlier: the receiver has lost what it had, or holds another version.
   */
  readonly nextChunk: number;
  /** What became of the block, when the answer tells: whatever the chunk was. */
  readonly ack?: BlockAck | undefined;
}

export interface BlockCarrier {
  /** Where it leads, as people write it; acknowledgments are remembered for this. Holds no secret. */
  readonly target: string;
  /**
   * Resolves when the far side, or the log in between, has the chunk.
   * @throws WindrowError whose `retryable` says whether the same chunk may be taken later
   */
  send(chunk: OutgoingChunk, signal: AbortSignal): Promise<Taken>;
  /** Acknowledgments that come by themselves; ends when the signal aborts. None: each comes with an answer. */
  readonly acks?: (signal: AbortSignal) => AsyncIterable<BlockAck>;
  close(): Promise<void>;
}
