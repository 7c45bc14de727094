/**
 * The port between agents and collectors. A sender resolves only when the receiver has made the
 * whole batch durable; a batch may therefore arrive more than once (the answer got lost), and the
 * receiver tells repeats by (server, boot, seq). Batches of one sender arrive in the order in
 * which they were sent when each is awaited before the next.
 */
import type { Batch, BatchAck, DecodedBatch } from '../records/batch.ts';

/** A sender gives up a try that takes longer. */
export const tryMsMax = 45_000;
/** After a failure it waits so long at most, and what the receiver asks for, before it tries again. */
export const retryMsMax = 30_000;

export interface SendAck extends BatchAck {
  /** Places in the batch of records that will never be taken; absent: all were. */
  readonly refused?: readonly number[];
}

export interface BatchSender {
  /**
   * @throws WindrowError; `retryable` says whether sending the same batch again may succeed, and
   * `retryAfterMs` how long the receiver asks to wait. Aborting rejects with code `aborted`.
   */
  send(batch: Batch, signal: AbortSignal): Promise<SendAck>;
  /** Gives connections back; may be called twice. */
  close(): Promise<void>;
}

export interface Sender {
  /** Where the batch came from, for people: an address. */
  readonly remote: string;
}

/** The receiving end: resolves once everything in the batch is durable. @throws WindrowError */
export type BatchReceiver = (batch: DecodedBatch, from: Sender) => Promise<BatchAck>;
