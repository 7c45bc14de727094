/**
 * What this receiver has, in `.windrow/received.db` of its output folder: transfers with the folder
 * that each got, and the blocks that are stored.
 *
 * Invariant: a block listed here was verified and is on the disk for good, in the folder of its
 * transfer, unless somebody took the file away; and no two transfers share a folder.
 */
import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { makeFolderDurably } from '../../runtime/durable-file.ts';
import { systemCodeOf, WindrowError } from '../../runtime/errors.ts';
import { isDamage, setAside } from '../../runtime/queue/damage.ts';
import type { BlockChunk } from '../../wire/records/block-chunk.ts';
import { Commits } from './commits.ts';
import { foldKey, folderName, namesFor } from './names.ts';
import { blockExtraBytes, openReceived, STATEMENTS } from './received-schema.ts';

export interface StoredTransfer {
  readonly key: number;
  readonly id: string;
  readonly sender: string;
  readonly file_name: string;
  readonly path: string;
  readonly size_bytes: number;
  readonly block_bytes: number;
  readonly total_blocks: number;
  /** Name of its folder. */
  readonly folder: string;
  /** Path of its whole file in the folder of such; null while it has none. */
  readonly assembled: string | null;
  /** When a block of it was stored last. */
  readonly heard_ms: number;
}

export interface StoredBlock {
  readonly size_bytes: number;
  readonly sha256: string;
}

export interface BlockPlace {
  readonly transfer: number;
  readonly block_number: number;
}

export interface IndexOptions {
  readonly path: string;
  /** Holds the transfers' folders. */
  readonly blocksFolder: string;
  readonly nowMs: () => number;
  /** Told when the file was damaged and had to be set aside, with its new name. */
  readonly onDamage: (file: string) => void;
}

/** @throws what SQLite or the system says when it cannot be used */
export function openIndex(options: IndexOptions): ReceivedIndex {
  makeFolderDurably(dirname(options.path));
  try {
    return new ReceivedIndex(options);
  } catch (error) {
    if (!isDamage(error)) throw error;
    // What is in the folders stays there; no transfer gets a folder that is there already.
    options.onDamage(setAside(options.path, options.nowMs()));
    return new ReceivedIndex(options);
  }
}

export class ReceivedIndex {
  readonly #db: DatabaseSync;
  readonly #options: IndexOptions;
  readonly #statements: Readonly<Record<keyof typeof STATEMENTS, StatementSync>>;
  readonly #commits: Commits;
  #usedBytes: number;

  constructor(options: IndexOptions) {
    this.#options = options;
    this.#db = openReceived(options.path);
    try {
      this.#statements = Object.fromEntries(
        Object.entries(STATEMENTS).map(([name, sql]) => [name, this.#db.prepare(sql)]),
      ) as Record<keyof typeof STATEMENTS, StatementSync>;
      this.#commits = new Commits(this.#db);
      this.#usedBytes = Number(this.#statements.used.get()?.['n']);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** What all stored blocks take of the disk, about. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  transfer(id: string): StoredTransfer | undefined {
    return this.#statements.transfer.get(id) as unknown as StoredTransfer | undefined;
  }

  block(transfer: StoredTransfer, blockNumber: number): StoredBlock | undefined {
    return this.#statements.block.get(transfer.key, blockNumber) as unknown as
      | StoredBlock
      | undefined;
  }

  blockNumbers(transfer: StoredTransfer): number[] {
    const rows = this.#statements.blockNumbers.all(transfer.key);
    return rows.map((row) => Number(row['block_number']));
  }

  /** The most recently heard. */
  newest(countMax: number): StoredTransfer[] {
    return this.#statements.newest.all(countMax) as unknown as StoredTransfer[];
  }

  /** The chunk's transfer, with a folder of its own from now on. */
  claim(chunk: BlockChunk): Promise<StoredTransfer> {
    const known = this.transfer(chunk.transfer_id);
    if (known !== undefined) return Promise.resolve(known);
    return this.#commits.commit(() => this.transfer(chunk.transfer_id) ?? this.#add(chunk));
  }

  /** The block is on the disk. */
  async stored(transfer: StoredTransfer, blockNumber: number, block: StoredBlock): Promise<void> {
    const addedBytes = await this.#commits.commit(() => {
      const before = this.block(transfer, blockNumber);
      const { key } = transfer;
      this.#statements.addBlock.run(key, blockNumber, block.size_bytes, block.sha256);
      this.#statements.heard.run(this.#options.nowMs(), key);
      return bytesOf(block) - bytesOf(before);
    });
    this.#usedBytes += addedBytes;
  }

  /** Places of blocks in their order, from behind one on. */
  after({ transfer, block_number }: BlockPlace, countMax: number): readonly BlockPlace[] {
    return this.#statements.after.all(transfer, block_number, countMax) as unknown as BlockPlace[];
  }

  byKey(key: number): StoredTransfer | undefined {
    return this.#statements.byKey.get(key) as unknown as StoredTransfer | undefined;
  }

  /**
   * The block's file is not there any more.
   * @param isGone asked in the moment of the change: the block may have come again meanwhile
   */
  async gone(transfer: StoredTransfer, blockNumber: number, isGone: () => boolean): Promise<void> {
    const freedBytes = await this.#commits.commit(() => {
      if (!isGone()) return 0;
      const before = this.block(transfer, blockNumber);
      this.#statements.removeBlock.run(transfer.key, blockNumber);
      return bytesOf(before);
    });
    this.#usedBytes -= freedBytes;
  }

  /** Transfers without any block. */
  unused(countMax: number): StoredTransfer[] {
    return this.#statements.unused.all(countMax) as unknown as StoredTransfer[];
  }

  /**
   * Lets go of the folder's name of a transfer that has no block.
   * @param isInUse asked in the moment of the change: a block that began to come meanwhile relies on the name
   */
  forget(transfer: StoredTransfer, isInUse: () => boolean): Promise<void> {
    return this.#commits.commit(() => {
      if (!isInUse()) this.#statements.forget.run(transfer.key);
    });
  }

  isWhole(transfer: StoredTransfer): boolean {
    return Number(this.#statements.count.get(transfer.key)?.['n']) === transfer.total_blocks;
  }

  /** Behind that key the next transfer of which every block is here, and whose file was not put together. */
  nextWhole(key: number): StoredTransfer | undefined {
    return this.#statements.nextWhole.get(key) as unknown as StoredTransfer | undefined;
  }

  /** Gives the transfer's file the first of these paths that no other has. @returns undefined when all are taken */
  claimAssembled(
    transfer: StoredTransfer,
    paths: readonly string[],
    isFree: (path: string) => boolean,
  ): Promise<string | undefined> {
    return this.#commits.commit(() => {
      const free = paths.find(
        (path) => this.#statements.assembledTaken.get(foldKey(path)) === undefined && isFree(path),
      );
      if (free === undefined) return undefined;
      this.#statements.claimAssembled.run(free, foldKey(free), transfer.key);
      return free;
    });
  }

  /** The file is where its path says. */
  assembled(transfer: StoredTransfer): Promise<void> {
    return this.#commits.commit(() => {
      this.#statements.assembled.run(transfer.key);
    });
  }

  close(): void {
    this.#commits.flush();
    this.#db.close();
  }

  #add(chunk: BlockChunk): StoredTransfer {
    const names = namesFor(folderName(chunk.file_name), chunk.transfer_id);
    const folder = names.find((name) => this.#isFree(name));
    if (folder === undefined) {
      throw new WindrowError('input', `no folder is left for transfer ${chunk.transfer_id}`);
    }
    this.#statements.addTransfer.run(
      chunk.transfer_id,
      chunk.sender,
      chunk.file_name,
      chunk.path,
      chunk.file_size_bytes,
      chunk.block_bytes,
      chunk.total_blocks,
      folder,
      foldKey(folder),
      this.#options.nowMs(),
    );
    return this.transfer(chunk.transfer_id) as StoredTransfer;
  }

  /** A folder of which nothing is known is somebody else's. */
  #isFree(name: string): boolean {
    if (this.#statements.folderTaken.get(foldKey(name)) !== undefined) return false;
    const path = join(this.#options.blocksFolder, name);
    try {
      return lstatSync(path, { throwIfNoEntry: false }) === undefined;
    } catch (error) {
      if (systemCodeOf(error) !== 'ENAMETOOLONG') throw error;
      throw new WindrowError('input', `the name of ${name} is too long in that folder`);
    }
  }
}

function bytesOf(block: StoredBlock | undefined): number {
  return block === undefined ? 0 : block.size_bytes + blockExtraBytes;
}
