/**
 * Acknowledgments that come by another way than the answer.
 *
 * What always holds: from the first chunk of a block on, an acknowledgment of it finds who waits.
 */
import { WindrowError } from '../../runtime/errors.ts';
import type { BlockAck } from '../../wire/records/block-ack.ts';

export interface AwaitedBlock {
  readonly transferId: string;
  readonly fileName: string;
  readonly blockNumber: number;
}

export class AwaitedAcks {
  readonly #awaited = new Set<Awaited>();
  /** When an acknowledgment came last for which somebody waited, by `performance.now()`. */
  #heardMs = Number.NEGATIVE_INFINITY;

  /** To be disposed of when nobody waits for it any longer. */
  expect(block: AwaitedBlock): Awaited {
    const awaited = new Awaited(block, {
      forget: () => this.#awaited.delete(awaited),
      heardMs: () => this.#heardMs,
    });
    this.#awaited.add(awaited);
    return awaited;
  }

  /** For what nobody waits for, nothing happens. */
  take(ack: BlockAck): void {
    const meant = [...this.#awaited].filter((awaited) => awaited.isMeantBy(ack));
    // One of the old system names no transfer: of two files of one name it is anybody's.
    if (meant.length === 0 || (meant.length > 1 && ack.transfer_id === undefined)) return;
    this.#heardMs = performance.now();
    for (const awaited of meant) awaited.take(ack);
  }
}

export class Awaited implements Disposable {
  readonly #block: AwaitedBlock;
  readonly #of: { readonly forget: () => void; readonly heardMs: () => number };
  readonly #come = Promise.withResolvers<BlockAck>();
  #ack: BlockAck | undefined;

  constructor(
    block: AwaitedBlock,
    of: { readonly forget: () => void; readonly heardMs: () => number },
  ) {
    this.#block = block;
    this.#of = of;
  }

  isMeantBy({ block_number: number, file_name: name, transfer_id: id }: BlockAck): boolean {
    const { blockNumber, fileName, transferId } = this.#block;
    return blockNumber === number && (id === undefined ? fileName === name : transferId === id);
  }

  take(ack: BlockAck): void {
    this.#ack ??= ack;
    this.#come.resolve(ack);
  }

  /** What has come. */
  get ack(): BlockAck | undefined {
    return this.#ack;
  }

  /**
   * Undefined when none has come for so long, of this block or of any other: receivers that have much
   * to do before it are not given more. May be called again. @throws WindrowError `aborted`
   */
  async within(waitMs: number, signal: AbortSignal): Promise<BlockAck | undefined> {
    const { promise: isOver, resolve } = Promise.withResolvers<undefined>();
    const giveUp = (): void => resolve(undefined);
    let timer: NodeJS.Timeout | undefined;
    const wait = (leftMs: number): void => {
      timer = setTimeout(() => {
        const moreMs = this.#of.heardMs() + waitMs - performance.now();
        if (moreMs > 0) wait(moreMs);
        else giveUp();
      }, leftMs);
    };
    wait(waitMs);
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    const ack = await Promise.race([this.#come.promise, isOver]);
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
    if (signal.aborted) throw new WindrowError('aborted', 'the sending was stopped');
    return ack;
  }

  [Symbol.dispose](): void {
    this.#of.forget();
  }
}
