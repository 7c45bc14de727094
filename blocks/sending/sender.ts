/**
 * Sends files: each in blocks, several blocks at once, files in the order in which they were found.
 *
 * What always holds: a file is done only when every block of one version of it is acknowledged. One
 * that changes meanwhile begins again as a new version, and what is wrong with one file stops no
 * other.
 */
import type { Clock } from '../../runtime/clock.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { AwaitedAcks } from './awaited-acks.ts';
import { BlockFailedError, BlockSender, type OutgoingBlock } from './block-sender.ts';
import type { BlockCarrier } from '../../wire/transport/block-port.ts';
import type { Tell } from './events.ts';
import type { Journal } from './journal.ts';
import { PatientCarrier } from './patience.ts';
import { type BlockReader, FileChangedError, UnreadableError } from './block-reader.ts';
import { type FileVersion, planTransfer, type SourceFile } from './plan.ts';
import { type Found, versionNow, whyUnreadable } from './scan.ts';
import { Slots } from './slots.ts';

/** Of a file that somebody writes to all the time the end is never reached. */
const versionsMax = 3;
/** Blocks that are begun and not acknowledged: some are read, the others wait for their acknowledgment. */
const openBlocksMax = 64;

export interface SenderOptions {
  readonly carrier: BlockCarrier;
  readonly journal: Journal;
  readonly reader: BlockReader;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly tell: Tell;
  /** Name of this machine. */
  readonly sender: string;
  readonly blockBytes: number;
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #blocks: BlockSender;
  readonly #awaited: AwaitedAcks | undefined;
  readonly #open = new Slots(openBlocksMax);
  /** Aborted by what makes all further sending useless. */
  readonly #ended = new AbortController();

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#awaited = options.carrier.acks === undefined ? undefined : new AwaitedAcks();
    this.#blocks = new BlockSender({
      ...options,
      carrier: new PatientCarrier(options),
      awaited: this.#awaited,
    });
  }

  /**
   * Resolves when each file is done or has failed, which `tell` is told. May be called once.
   * @throws WindrowError `aborted`, or what makes all further sending useless
   */
  async run(found: AsyncIterable<Found>, stop: AbortSignal): Promise<void> {
    const { tell } = this.#options;
    const signal = AbortSignal.any([stop, this.#ended.signal]);
    const finishing = new Set<Promise<void>>();
    const hearing = this.#hearAcks(signal);
    for await (const one of found) {
      if (signal.aborted) break;
      if (one.kind !== 'file') {
        tell(one);
        continue;
      }
      const { promise: isBegun, resolve: begun } = Promise.withResolvers<void>();
      const sending = this.#sendFile(one.file, begun, signal).finally(begun);
      finishing.add(sending);
      void sending.then(() => finishing.delete(sending));
      await isBegun;
    }
    await Promise.all(finishing);
    const { reason } = this.#ended.signal;
    this.#ended.abort();
    await hearing;
    if (reason !== undefined) throw reason;
    if (stop.aborted) throw stoppedError();
  }

  async #hearAcks(signal: AbortSignal): Promise<void> {
    const { carrier } = this.#options;
    if (carrier.acks === undefined) return;
    try {
      for await (const ack of carrier.acks(signal)) this.#awaited?.take(ack);
    } catch (error) {
      this.#ended.abort(error);
    }
  }

  /**
   * Never rejects: what went wrong with the file is told, and what ends all ends all.
   * @param begun called when the last of its blocks has begun, so that the next file may
   */
  async #sendFile(found: SourceFile, begun: () => void, signal: AbortSignal): Promise<void> {
    const { tell } = this.#options;
    try {
      let file: SourceFile | undefined = found;
      for (let version = 1; file !== undefined; version += 1) {
        if (version > versionsMax) throw new UnreadableError('changed again and again');
        file = await this.#sendVersion(file, begun, signal);
      }
    } catch (error) {
      // After a stop whatever comes is of it.
      if (signal.aborted) return;
      if (isOfFile(error)) tell({ kind: 'failed', path: found.path, reason: error.message });
      else this.#ended.abort(error);
    }
  }

  /** @returns the file as it is now, when it changed meanwhile. @throws as `BlockSender.send` */
  async #sendVersion(
    file: SourceFile,
    begun: () => void,
    signal: AbortSignal,
  ): Promise<SourceFile | undefined> {
    const { journal, carrier, tell } = this.#options;
    const transfer = planTransfer(file, this.#options);
    const known = journal.begin(carrier.target, transfer);
    tell({ kind: 'begun', transfer, acknowledged: known.acknowledged });
    try {
      if (!known.isDone) {
        const isWhole = await this.#sendBlocks({ transfer, key: known.key }, begun, signal);
        if (!isWhole) return undefined;
        journal.done(known.key);
      }
      tell({ kind: 'done', transfer });
      return undefined;
    } catch (error) {
      if (!(error instanceof FileChangedError)) throw error;
      tell({ kind: 'changed', transfer });
      return { ...file, version: await currentVersion(file.path) };
    }
  }

  /** @returns whether each of them is acknowledged; the others have failed, and are told */
  async #sendBlocks(
    of: Omit<OutgoingBlock, 'block'>,
    begun: () => void,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { journal } = this.#options;
    const given = new AbortController();
    const both = AbortSignal.any([signal, given.signal]);
    const sending = new Set<Promise<boolean>>();
    let isWhole = true;
    for (let block = 0; block < of.transfer.totalBlocks && !both.aborted; block += 1) {
      if (journal.isAcknowledged(of.key, block)) continue;
      const giveBack = await this.#open.take(both).catch(() => undefined);
      if (giveBack === undefined) break;
      const one = this.#sendBlock({ ...of, block }, given, both).finally(giveBack);
      sending.add(one);
      void one.then((isSent) => {
        isWhole &&= isSent;
        sending.delete(one);
      });
    }
    begun();
    await Promise.all(sending);
    if (given.signal.aborted) throw given.signal.reason;
    return isWhole && !signal.aborted;
  }

  /** Never rejects: what ends the whole file gives it up. */
  async #sendBlock(
    outgoing: OutgoingBlock,
    given: AbortController,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      await this.#blocks.send(outgoing, signal);
      return true;
    } catch (error) {
      if (error instanceof BlockFailedError) {
        const reason = `block ${outgoing.block}: ${error.message}`;
        this.#options.tell({ kind: 'failed', path: outgoing.transfer.file.path, reason });
      } else {
        given.abort(error);
      }
      return false;
    }
  }
}

/** Of a sending that somebody has stopped. */
export function stoppedError(): WindrowError {
  const hint = 'What is acknowledged stays: run it again, and it goes on from there.';
  return new WindrowError('aborted', 'the sending was stopped', { hint });
}

/** @throws UnreadableError */
async function currentVersion(path: string): Promise<FileVersion> {
  try {
    const version = await versionNow(path);
    if (version !== undefined) return version;
  } catch (error) {
    throw new UnreadableError(whyUnreadable(error));
  }
  throw new UnreadableError('is a file no longer');
}

/** The others may still be sent. */
function isOfFile(error: unknown): error is Error {
  if (error instanceof UnreadableError) return true;
  if (!(error instanceof WindrowError)) return false;
  return error.code === 'input' || (error.code === 'refused' && !error.retryable);
}
