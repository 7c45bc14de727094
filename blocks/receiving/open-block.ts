/** A block of which some chunks have come. Its chunks are taken one after the other, in the order of the calls. */
import type { BlockChunk } from '../../wire/records/block-chunk.ts';
import type { StoredTransfer } from './received-index.ts';
import type { Part } from './threads/threads.ts';

/** Where a chunk lies in a log that is read: lane and place. */
export interface Mark {
  readonly lane: string;
  readonly position: bigint;
}

export class OpenBlock {
  readonly first: BlockChunk;
  /** Of its first chunk. */
  readonly mark: Mark | undefined;
  part: Part | undefined;
  nextChunk = 0;
  writtenBytes = 0;
  /** A person's own module has had it, and is not to have it again for the disk's sake. */
  isProcessed = false;
  /** It lies where it belongs; only the index does not know. */
  storedIn: StoredTransfer | undefined;
  /** Stored, failed or given up. */
  hasEnded = false;
  /** Monotonic. */
  heardMs: number;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(first: BlockChunk, { mark, nowMs }: { mark: Mark | undefined; nowMs: number }) {
    this.first = first;
    this.mark = mark;
    this.heardMs = nowMs;
  }

  get sizeBytes(): number {
    return this.first.end_offset - this.first.start_offset;
  }

  /** Nothing of it is being done. */
  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const done = this.#tail.then(work).finally(() => {
      this.#waiting -= 1;
    });
    this.#tail = done.catch(() => {});
    return done;
  }
}
