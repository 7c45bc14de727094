/** What a receiver of blocks needs, and whom it tells. */
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { BlockAck } from '../../wire/records/block-ack.ts';
import type { BlockChunk } from '../../wire/records/block-chunk.ts';
import type { StoredTransfer } from './received-index.ts';

export interface VerifiedBlock {
  /** Its bytes, for reading; gone when the processing has ended. */
  readonly path: string;
  /** Any of its chunks: they tell the same of the block. */
  readonly chunk: BlockChunk;
  readonly sha256: string;
}

/**
 * What a person's own program makes of a block. When it rejects, the block has failed and is sent
 * again; with a retryable WindrowError it has not: its last chunk may be taken later.
 */
export type BlockProcessor = (block: VerifiedBlock) => Promise<void>;

export interface ReceiverObserver {
  /** So many bytes of the block are written. */
  arrived(chunk: BlockChunk, bytes: number): void;
  /** @param storedIn of a block that was stored just now */
  acknowledged(ack: BlockAck, storedIn?: StoredTransfer): void;
}

export interface ReceiverOptions {
  /** Where everything goes; for this receiver alone. */
  readonly folder: string;
  /** Flag or key that names it, for messages. */
  readonly folderSetting: string;
  readonly machineId: string;
  /** Of all stored blocks; Infinity for none. */
  readonly quotaBytes: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly process?: BlockProcessor;
  readonly observer?: ReceiverObserver;
}
