/**
 * Sends one block until it is acknowledged.
 *
 * What always holds: a block is acknowledged only by its receiver's word, for bytes whose SHA-256
 * is that of the bytes that were read; it is read anew for each resend.
 *
 *   reading ──last chunk──► sent ──ack──► acknowledged
 *      ▲                      │
 *      ├── failed, or begin ──┤   at most `resendsMax` times, then failed
 *      │   again              │
 *      ├── no room for now ───┤   more and more rarely, as often as it takes
 *      └── silence ───────────┘   rarely, and as often as it takes
 */
import { basename } from 'node:path/posix';
import type { Clock } from '../../runtime/clock.ts';
import { pause } from '../../runtime/lifecycle.ts';
import type { BlockAck } from '../../wire/records/block-ack.ts';
import { blockSpan } from '../../wire/records/block-shape.ts';
import type { Awaited, AwaitedAcks } from './awaited-acks.ts';
import type { Taken } from '../../wire/transport/block-port.ts';
import type { Tell } from './events.ts';
import type { Journal } from './journal.ts';
import type { PatientCarrier } from './patience.ts';
import type { BlockJob, BlockReader } from './block-reader.ts';
import { chunkRecord, type PreparedChunk, type Transfer } from './plan.ts';
import { type ResendCause, Resends } from './resends.ts';
import { Slots } from './slots.ts';
import { Work } from './work.ts';

/** Without any acknowledgment it is told. A receiver of Kafka that is replaced by another in its group has begun again by then. */
const silentMs = 60_000;

const roomHint =
  'Take files away there, or give its receiver more room; it is tried again by itself.';

/** The block was not acknowledged, for the reason that is the message. */
export class BlockFailedError extends Error {
  override readonly name = 'BlockFailedError';
}

export interface BlockSenderOptions {
  readonly carrier: PatientCarrier;
  /** Undefined where acknowledgments come with answers alone. */
  readonly awaited: AwaitedAcks | undefined;
  readonly journal: Journal;
  readonly reader: BlockReader;
  readonly clock: Clock;
  readonly random: () => number;
  readonly tell: Tell;
}

export interface OutgoingBlock {
  readonly transfer: Transfer;
  /** The transfer's in the journal. */
  readonly key: number;
  readonly block: number;
}

/** What one sending came to: the block's acknowledgment, or why there is none. */
type Attempt =
  | { readonly ack: BlockAck; readonly sha256: string | undefined }
  | { readonly reason: string; readonly isSilence?: true };

/** The block must be sent again. */
interface Missed {
  readonly attempt: Attempt;
  readonly reason: string;
  readonly resends: Resends;
}

/** All of it is on its way or there; its acknowledgment is still to come. */
interface Sent {
  readonly sentSha256: string;
}

export class BlockSender {
  readonly #options: BlockSenderOptions;
  readonly #reading: Slots;
  readonly #work: Work;
  #isSilent = false;
  /** Blocks that found no room and are not done since. */
  #refused = 0;

  constructor(options: BlockSenderOptions) {
    this.#options = options;
    this.#reading = new Slots(options.reader.blocksAtOnce);
    this.#work = new Work(() => options.reader.done);
  }

  /**
   * @throws BlockFailedError; FileChangedError and UnreadableError of the reader; WindrowError
   *   `refused`, not retryable, for good, others when nothing can be sent any more
   */
  async send(outgoing: OutgoingBlock, signal: AbortSignal): Promise<void> {
    const resends = new Resends();
    try {
      for (;;) {
        const attempt = await this.#attempt(outgoing, resends.silentMs, signal);
        const reason = this.#settle(outgoing, attempt);
        if (reason === undefined) return;
        await pause(this.#waitMsFor(outgoing, { attempt, reason, resends }), signal);
      }
    } finally {
      if (resends.wasRefused) this.#leaveRoom(signal);
    }
  }

  /** Before it is sent again. @throws BlockFailedError when it was sent often enough */
  #waitMsFor({ transfer, block }: OutgoingBlock, { attempt, reason, resends }: Missed): number {
    const { tell, random } = this.#options;
    const cause = causeOf(attempt);
    const isRefusedAnew = cause === 'refused' && !resends.wasRefused;
    const waitMs = resends.next(cause, random);
    if (waitMs === undefined) throw new BlockFailedError(reason);
    if (isRefusedAnew) this.#lackRoom(reason);
    if (cause === 'refused') tell({ kind: 'later' });
    else tell({ kind: 'again', transfer, block, resend: resends.count, reason });
    return waitMs;
  }

  async #attempt(outgoing: OutgoingBlock, resendMs: number, signal: AbortSignal): Promise<Attempt> {
    const { transfer, block: blockNumber } = outgoing;
    const fileName = basename(transfer.file.relativePath);
    const block = { transferId: transfer.id, fileName, blockNumber };
    using awaited = this.#options.awaited?.expect(block);
    const sent = await this.#sendChunks(outgoing, awaited, signal);
    if (!('sentSha256' in sent)) return sent;
    const { sentSha256: sha256 } = sent;
    if (awaited === undefined) return { reason: 'no acknowledgment came with the answer' };
    const ack = await this.#ackOf(awaited, resendMs, signal);
    if (ack !== undefined) return { ack, sha256 };
    return { reason: `no acknowledgment came within ${resendMs / 60_000} min`, isSilence: true };
  }

  async #sendChunks(
    outgoing: OutgoingBlock,
    awaited: Awaited | undefined,
    signal: AbortSignal,
  ): Promise<Attempt | Sent> {
    const { reader, tell } = this.#options;
    const giveBack = await this.#reading.take(signal);
    try {
      let wanted = 0;
      for await (const prepared of reader.read(jobOf(outgoing), signal)) {
        // What became of the block is known before its end: the rest is of no use.
        if (awaited?.ack !== undefined) return { ack: awaited.ack, sha256: undefined };
        const { chunk, rawBytes, payload, sha256 } = prepared;
        // The last one is sent whatever is there already: it asks for the acknowledgment.
        if (chunk < wanted && sha256 === undefined) continue;
        const { nextChunk, ack } = await this.#sendChunk(outgoing, prepared, signal);
        tell({ kind: 'chunk', rawBytes, payloadBytes: payload.length });
        if (ack !== undefined) return { ack, sha256 };
        if (nextChunk <= chunk) return { reason: 'the receiver does not have what came before' };
        if (sha256 !== undefined) return { sentSha256: sha256 };
        wanted = nextChunk;
      }
      throw new Error('a block has ended without its last chunk');
    } finally {
      giveBack();
    }
  }

  #sendChunk(
    { transfer, block }: OutgoingBlock,
    prepared: PreparedChunk,
    signal: AbortSignal,
  ): Promise<Taken> {
    const { carrier, clock } = this.#options;
    const { engine } = this.#options.reader;
    const record = chunkRecord(transfer, block, {
      ...prepared,
      engine,
      ...(prepared.sha256 !== undefined && { work: this.#work.take() }),
      sentAtMs: clock.wallMs(),
    });
    return carrier.send({ record, payload: prepared.payload }, signal);
  }

  /** Of a block that was sent whole. Undefined: it is to be sent again. */
  async #ackOf(
    awaited: Awaited,
    resendMs: number,
    signal: AbortSignal,
  ): Promise<BlockAck | undefined> {
    let ack = await awaited.within(silentMs, signal);
    if (ack === undefined) {
      this.#tellSilence(true);
      ack = await awaited.within(resendMs, signal);
    }
    if (ack !== undefined) this.#tellSilence(false);
    return ack;
  }

  /** Once for all blocks that wait. */
  #tellSilence(isSilent: boolean): void {
    if (isSilent === this.#isSilent) return;
    this.#isSilent = isSilent;
    const { tell } = this.#options;
    if (!isSilent) return tell({ kind: 'going-on' });
    const reason = `no block was acknowledged for ${silentMs / 1_000} s`;
    const hint = 'The receivers may be at work on one for long, have no room, or be away.';
    tell({ kind: 'waiting', reason, hint });
  }

  /** A block found no room: told once for all that wait for it. */
  #lackRoom(reason: string): void {
    this.#refused += 1;
    if (this.#refused > 1) return;
    this.#options.tell({ kind: 'waiting', reason, hint: roomHint });
  }

  /** It does not wait for room any longer. */
  #leaveRoom(signal: AbortSignal): void {
    this.#refused -= 1;
    if (this.#refused === 0 && !signal.aborted) this.#options.tell({ kind: 'going-on' });
  }

  /** @returns why the block must be sent again */
  #settle({ transfer, key, block }: OutgoingBlock, attempt: Attempt): string | undefined {
    if ('reason' in attempt) return attempt.reason;
    const { ack, sha256 = ack.checksum } = attempt;
    if (!ack.success) return ack.reason ?? 'the receiver could not store it';
    if (ack.checksum !== undefined && ack.checksum !== sha256) {
      return 'the receiver has other bytes';
    }
    this.#options.journal.acknowledged(key, block);
    this.#options.tell({ kind: 'acknowledged', transfer, block });
    return undefined;
  }
}

function causeOf(attempt: Attempt): ResendCause {
  if ('isSilence' in attempt) return 'silent';
  return 'ack' in attempt && attempt.ack.later === true ? 'refused' : 'failed';
}

function jobOf({ transfer: { file, blockBytes }, block }: OutgoingBlock): BlockJob {
  const { path, version } = file;
  return { path, version, ...blockSpan({ sizeBytes: version.sizeBytes, blockBytes }, block) };
}
