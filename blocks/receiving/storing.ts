/** From the last chunk of a block to its files: verified, processed where somebody asked for that, and on the disk for good. */
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import type { BlockChunk } from '../../wire/records/block-chunk.ts';
import { blockPaths, type Layout } from './layout.ts';
import type { OpenBlock } from './open-block.ts';
import { BadBlockError, type BlockTarget } from './part-file.ts';
import type { ReceiverOptions } from './port.ts';
import type { ReceivedIndex, StoredTransfer } from './received-index.ts';

export class Storing {
  readonly #options: ReceiverOptions;
  readonly #layout: Layout;
  readonly #index: ReceivedIndex;

  constructor(options: ReceiverOptions, layout: Layout, index: ReceivedIndex) {
    this.#options = options;
    this.#layout = layout;
    this.#index = index;
  }

  /** May be called again after it failed for the disk's sake. @throws BadBlockError; WindrowError, retryable */
  async store(open: OpenBlock, chunk: BlockChunk, sha256: string): Promise<StoredTransfer> {
    const { part } = open;
    if (part === undefined) throw new BadBlockError('the receiver has nothing of the block');
    await part.verify(sha256);
    if (!open.isProcessed) await this.#process(part.path, chunk, sha256);
    open.isProcessed = true;
    // The folder's name is noted before there is a folder: a restart would take it for somebody else's.
    const transfer = await this.#index.claim(chunk);
    await part.store(this.#targetOf(transfer, chunk, sha256));
    return transfer;
  }

  async #process(path: string, chunk: BlockChunk, sha256: string): Promise<void> {
    try {
      await this.#options.process?.({ path, chunk, sha256 });
    } catch (error) {
      // No fault of the block's: it is tried again.
      if (error instanceof WindrowError && error.retryable) throw error;
      throw new BadBlockError(`processing failed: ${messageOf(error)}`, { cause: error });
    }
  }

  #targetOf(transfer: StoredTransfer, chunk: BlockChunk, sha256: string): BlockTarget {
    const { machineId, clock } = this.#options;
    const metadata = {
      file_name: chunk.file_name,
      block_number: chunk.block_number,
      checksum: sha256,
      block_size_bytes: chunk.end_offset - chunk.start_offset,
      processed_at: clock.wallMs() / 1_000,
      machine_id: machineId,
      verified: true,
    };
    return {
      ...blockPaths(this.#layout, transfer.folder, chunk.block_number),
      metadata: `${JSON.stringify(metadata, null, 2)}\n`,
    };
  }
}
