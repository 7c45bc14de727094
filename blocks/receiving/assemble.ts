/**
 * Puts files together whose blocks are all here, one after the other.
 *
 * Invariant: a path belongs to its transfer before anything is there, and what is there is whole: it
 * appears by being renamed. A restart in between makes it again under the same path. What failed is
 * tried again, less and less often, until it succeeds.
 */
import { lstatSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolderDurably, renameDurably } from '../../runtime/durable-file.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';
import { blockPaths } from './layout.ts';
import { namesFor, safeName, safePath } from './names.ts';
import type { StoredTransfer } from './received-index.ts';
import type { BlockReceiver } from './receiver.ts';

/** Read and written at a time. */
const pieceBytes = 1024 * 1024;
/** Between the looks for what failed: twice as long each time that something fails again. */
const retryMsMin = 5_000;
const retryMsMax = 5 * 60_000;
/** That are left alone until the next such look; others are tried again with whatever becomes whole. */
const failedMax = 10_000;

export interface AssemblerOptions {
  readonly receiver: Pick<BlockReceiver, 'index' | 'layout'>;
  readonly log: Logger;
  /** Told of each file. @param path absolute */
  readonly onFile?: (transfer: StoredTransfer, path: string) => void;
}

export class Assembler {
  readonly #options: AssemblerOptions;
  readonly #piece = Buffer.allocUnsafe(pieceBytes);
  #running: Promise<void> | undefined;
  #isAsked = false;
  #isClosed = false;
  /** By their keys. */
  #failed = new Set<number>();
  #isRetryDue = false;
  #retryMs = retryMsMin;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: AssemblerOptions) {
    this.#options = options;
  }

  /** A block was stored just now. */
  stored(transfer: StoredTransfer): void {
    if (this.#options.receiver.index.isWhole(transfer)) this.look();
  }

  /** Files that could not be put together when that was tried last. */
  get failed(): number {
    return this.#failed.size;
  }

  /** Looks for whole files. */
  look(): void {
    this.#isAsked = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#isClosed) return;
      if (this.#isAsked) this.look();
      else if (this.#failed.size > 0) this.#retryLater();
    });
  }

  /** Resolves when nothing is being put together. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Gives up the file that is being put together. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#running;
  }

  #retryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#retryMs = Math.min(2 * this.#retryMs, retryMsMax);
      this.#isRetryDue = true;
      this.look();
    }, this.#retryMs);
  }

  async #run(): Promise<void> {
    this.#isAsked = false;
    const { index } = this.#options.receiver;
    const failed = this.#isRetryDue ? new Set<number>() : this.#failed;
    this.#isRetryDue = false;
    let transfer = index.nextWhole(0);
    while (transfer !== undefined && !this.#isClosed) {
      const { key } = transfer;
      const isLeftAlone = failed.has(key);
      if (!isLeftAlone && !(await this.#attempt(transfer)) && failed.size < failedMax) {
        failed.add(key);
      }
      transfer = index.nextWhole(key);
    }
    if (!this.#isClosed) this.#failed = failed;
    if (this.#failed.size === 0) this.#retryMs = retryMsMin;
  }

  /** @returns whether it is there, or was given up for the end */
  async #attempt(transfer: StoredTransfer): Promise<boolean> {
    const { log, onFile } = this.#options;
    try {
      const path = await this.#assemble(transfer);
      onFile?.(transfer, path);
    } catch (error) {
      if (this.#isClosed) return true;
      const { id, folder } = transfer;
      log.warn({ transfer: id, folder, error: messageOf(error) }, 'a file is not put together');
      return false;
    }
    return true;
  }

  async #assemble(transfer: StoredTransfer): Promise<string> {
    const { index, layout } = this.#options.receiver;
    const path = await this.#pathFor(transfer);
    const temporary = join(layout.partsFolder, `assembled-${transfer.key}`);
    try {
      await this.#copyBlocks(transfer, temporary);
      makeFolderDurably(dirname(path));
      renameDurably(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
    await index.assembled(transfer);
    return path;
  }

  async #pathFor(transfer: StoredTransfer): Promise<string> {
    const { index, layout } = this.#options.receiver;
    const absolute = (path: string): string => join(layout.assembledFolder, path);
    makeFolderDurably(layout.assembledFolder);
    // Where a file stands in the way of a folder, the last name alone is left.
    const paths = [safePath(transfer.path), safeName(transfer.file_name)].flatMap((path) =>
      namesFor(path, transfer.id),
    );
    const path =
      transfer.assembled ??
      (await index.claimAssembled(transfer, paths, (path) => isFree(layout.assembledFolder, path)));
    if (path === undefined) throw new Error('every name for it is taken');
    return absolute(path);
  }

  async #copyBlocks(transfer: StoredTransfer, path: string): Promise<void> {
    const { layout } = this.#options.receiver;
    await using to = await open(path, 'w', 0o600);
    let bytes = 0;
    for (let block = 0; block < transfer.total_blocks; block += 1) {
      const { path: blockPath } = blockPaths(layout, transfer.folder, block);
      await using from = await open(blockPath, 'r');
      bytes += await this.#copy(from, to);
    }
    if (bytes !== transfer.size_bytes) {
      throw new Error(`its blocks have ${bytes} bytes instead of ${transfer.size_bytes}`);
    }
    await to.datasync();
  }

  /** @returns how many bytes */
  async #copy(from: FileHandle, to: FileHandle): Promise<number> {
    for (let bytes = 0; ; ) {
      const { bytesRead } = await from.read(this.#piece, 0, pieceBytes, bytes);
      if (bytesRead === 0) return bytes;
      if (this.#isClosed) throw new Error('stopped');
      for (let written = 0; written < bytesRead; ) {
        written += (await to.write(this.#piece, written, bytesRead - written)).bytesWritten;
      }
      bytes += bytesRead;
    }
  }
}

/** Nothing has that path, and nothing but folders lies on the way to it. Never throws: others are in its transaction. */
function isFree(root: string, path: string): boolean {
  try {
    return leadsToNothing(root, path);
  } catch {
    return false;
  }
}

function leadsToNothing(root: string, path: string): boolean {
  const names = path.split('/');
  for (let depth = 1; depth < names.length; depth += 1) {
    const stats = lstatSync(join(root, ...names.slice(0, depth)), { throwIfNoEntry: false });
    if (stats === undefined) return true;
    if (!stats.isDirectory()) return false;
  }
  return lstatSync(join(root, path), { throwIfNoEntry: false }) === undefined;
}
