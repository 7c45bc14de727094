/**
 * Puts a write-ahead log on the disk, but only while something in it is owed for a while. A
 * process that is killed loses nothing that was written; only a power cut loses what the kernel
 * had not put on the disk. Where a second's loss is bearable and most items are delivered sooner,
 * that needs a sync a second while deliveries fail, and none while they work.
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
  readonly clock: Clock;
  readonly log: Logger;
}

export class WalSync {
  readonly #fd: number;
  readonly #walPath: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #isFailing = false;
  /** When each item that is owed and not on the disk was added, oldest first. */
  readonly #unsynced = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> | undefined;

  constructor(walPath: string, { clock, log }: WalSyncOptions) {
    // Windows flushes no file that is open for reading alone.
    this.#fd = openSync(walPath, 'r+');
    this.#walPath = walPath;
    this.#clock = clock;
    this.#log = log;
  }

  /** At once: what an earlier process left in the log may not be on the disk, however old it is. */
  begin(): void {
    this.#unsynced.clear();
    this.#syncing = sync(this.#fd)
      .then(() => this.#worked())
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#syncing = undefined;
        this.#arm();
      });
  }

  /** These were written to the log. */
  wrote(ids: readonly number[]): void {
    const nowMs = this.#clock.monotonicMs();
    for (const id of ids) this.#unsynced.set(id, nowMs);
    this.#arm();
  }

  /** These are owed no longer. */
  settled(ids: readonly number[]): void {
    for (const id of ids) this.#unsynced.delete(id);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#unsynced.clear();
    await this.#syncing;
    clearTimeout(this.#timer);
    await promisify(close)(this.#fd);
  }

  #arm(): void {
    const [oldestMs] = this.#unsynced.values();
    if (oldestMs === undefined || this.#timer !== undefined || this.#syncing !== undefined) return;
    const waitMs = oldestMs + unsyncedMsMax - this.#clock.monotonicMs();
    this.#timer = setTimeout(() => this.#due(), Math.max(0, waitMs));
    this.#timer.unref();
  }

  #due(): void {
    this.#timer = undefined;
    const [oldestMs] = this.#unsynced.values();
    const isOwed =
      oldestMs !== undefined && this.#clock.monotonicMs() - oldestMs >= unsyncedMsMax - 1;
    if (isOwed) this.begin();
    else this.#arm();
  }

  /** Told once. Writing goes on, and the next item's sync is the next try. */
  #failed(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#log.warn(
      { file: this.#walPath, error: messageOf(error) },
      'the disk does not confirm what is written; a power cut may take more than a second of it',
    );
  }

  #worked(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#log.info({ file: this.#walPath }, 'the disk confirms again what is written');
  }
}
