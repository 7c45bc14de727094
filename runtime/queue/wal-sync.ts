/**
 * Puts a write-ahead log on the disk, but only while something in it is owed for a while. A
 * process that is killed loses nothing that was written; only a power cut loses what the kernel
 * had not put on the disk. Where a second's loss is bearable and most items are delivered sooner,
 * that needs a sync a second while deliveries fail, and none while they work.
 *
 * After a sync that failed the system takes for written what the disk may not have, so that the
 * next one would say that all is well. From then on all of the log goes into the file, in pages
 * written anew, until that has worked.
 *
 * It has a descriptor of its own. SQLite's locks are on the database and its -shm, so closing this
 * one drops none of them (POSIX drops a process's locks on a file when any descriptor of it closes).
 */
import { close, fdatasync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logging.ts';

/** A power cut takes no more than what was added in the time of this. */
const unsyncedMsMax = 1_000;

const sync = promisify(fdatasync);

export interface WalSyncOptions {
  /** Moves what the log holds into the file, and syncs both. @throws what SQLite says */
  readonly moveIntoFile: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class WalSync {
  readonly #fd: number;
  readonly #walPath: string;
  readonly #options: WalSyncOptions;
  /** A sync failed, and the log was not moved into the file since. */
  #isFailing = false;
  #isClosed = false;
  /** When each item that is owed and not on the disk was added, oldest first. */
  readonly #unsynced = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> | undefined;

  constructor(walPath: string, options: WalSyncOptions) {
    // Windows flushes no file that is open for reading alone.
    this.#fd = openSync(walPath, 'r+');
    this.#walPath = walPath;
    this.#options = options;
  }

  /** At once: what an earlier process left in the log may not be on the disk, however old it is. */
  begin(): void {
    this.#unsynced.clear();
    this.#syncing = sync(this.#fd)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#syncing = undefined;
        this.#arm();
      });
  }

  /** These were written to the log. */
  wrote(ids: readonly number[]): void {
    // Then all of the log is owed.
    if (this.#isFailing) return;
    const nowMs = this.#options.clock.monotonicMs();
    for (const id of ids) this.#unsynced.set(id, nowMs);
    this.#arm();
  }

  /** These are owed no longer. */
  settled(ids: readonly number[]): void {
    for (const id of ids) this.#unsynced.delete(id);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#syncing;
    await promisify(close)(this.#fd);
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#syncing !== undefined || this.#isClosed) return;
    const waitMs = this.#waitMs();
    if (waitMs === undefined) return;
    this.#timer = setTimeout(() => this.#due(), Math.max(0, waitMs));
    this.#timer.unref();
  }

  /** Undefined while nothing is owed. */
  #waitMs(): number | undefined {
    if (this.#isFailing) return unsyncedMsMax;
    const [oldestMs] = this.#unsynced.values();
    if (oldestMs === undefined) return undefined;
    return oldestMs + unsyncedMsMax - this.#options.clock.monotonicMs();
  }

  #due(): void {
    this.#timer = undefined;
    if (this.#isFailing) this.#moveIntoFile();
    else if ((this.#waitMs() ?? Infinity) <= 1) return this.begin();
    this.#arm();
  }

  #moveIntoFile(): void {
    try {
      this.#options.moveIntoFile();
    } catch {
      // Told already, and tried again.
      return;
    }
    this.#unsynced.clear();
    this.#isFailing = false;
    this.#options.log.info({ file: this.#walPath }, 'the disk confirms again what is written');
  }

  /** Told once; writing goes on. */
  #failed(error: unknown): void {
    this.#isFailing = true;
    this.#options.log.warn(
      { file: this.#walPath, error: messageOf(error) },
      'the disk does not confirm what is written; a power cut may take more than a second of it',
    );
  }
}
