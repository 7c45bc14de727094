/**
 * The blocks of which some chunks have come.
 *
 * Invariant: they are at most `openBlocksMax`, those of a log `openBlocksOfLogMax`, and each is here
 * from its first chunk until it was stored, failed or was given up.
 */
import { type BlockChunk, chunkKey } from '../../wire/records/block-chunk.ts';
import type { Mark, OpenBlock } from './open-block.ts';

/** A descriptor and a hash each. */
export const openBlocksMax = 64;
/** A log brings the chunks of all senders by turns, and a chunk that has to wait holds up all behind it. */
export const openBlocksOfLogMax = 512;
/** A block of which nothing comes for so long is given up; its sender begins it anew. */
const abandonedMs = 10 * 60_000;
/** When too many are open, one that has been quiet for this long makes room. */
const quietMs = 30_000;

export class OpenBlocks {
  readonly #blocks = new Map<string, OpenBlock>();

  get size(): number {
    return this.#blocks.size;
  }

  /** For another block, which comes from a log when it has a mark. */
  isFull(mark: Mark | undefined): boolean {
    return this.#blocks.size >= (mark === undefined ? openBlocksMax : openBlocksOfLogMax);
  }

  /** What they will have in all, and what of that is not written yet. */
  get bytes(): { readonly openBytes: number; readonly unwrittenBytes: number } {
    let [openBytes, unwrittenBytes] = [0, 0];
    for (const { sizeBytes, writtenBytes } of this.#blocks.values()) {
      openBytes += sizeBytes;
      unwrittenBytes += sizeBytes - writtenBytes;
    }
    return { openBytes, unwrittenBytes };
  }

  all(): OpenBlock[] {
    return [...this.#blocks.values()];
  }

  of(chunk: BlockChunk): OpenBlock | undefined {
    return this.#blocks.get(chunkKey(chunk));
  }

  add(block: OpenBlock): void {
    this.#blocks.set(chunkKey(block.first), block);
  }

  /** It was stored, has failed or is given up. */
  end(block: OpenBlock): void {
    block.hasEnded = true;
    this.#blocks.delete(chunkKey(block.first));
  }

  hasTransfer(transferId: string): boolean {
    return this.all().some(({ first }) => first.transfer_id === transferId);
  }

  ofLane(lane: string): OpenBlock[] {
    return this.all().filter(({ mark }) => mark?.lane === lane);
  }

  abandoned(nowMs: number): OpenBlock[] {
    return this.#quietSince(nowMs - abandonedMs);
  }

  /** Which may be given up for another: the one that has been quiet for the longest. */
  quietest(nowMs: number): OpenBlock | undefined {
    const [quietest] = this.#quietSince(nowMs - quietMs);
    return quietest;
  }

  /** The longest first. */
  #quietSince(ms: number): OpenBlock[] {
    return this.all()
      .filter(({ isIdle, heardMs }) => isIdle && heardMs <= ms)
      .sort((one, other) => one.heardMs - other.heardMs);
  }
}
