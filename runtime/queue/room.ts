/**
 * How far a queue's file may grow: file and write-ahead log stay below a hard cap, and nothing
 * grows into the last twentieth of the disk, which belongs to whoever has to repair it.
 */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../clock.ts';
import { bytesOf, walPathOf } from './damage.ts';

/** A small page: each transaction writes every page it touched to the log, 10 kB a sample where 4 KiB pages make it 32. */
export const pageBytes = 1024;
/** A checkpoint, with its two syncs, comes when the log has grown to this. */
const walBytes = 4 * 1024 * 1024;
/** The same while the disk is nearly full. */
const walBytesWhenLow = 256 * 1024;
/** A log that somebody who reads keeps from being cut grows to this and no further. */
const walBytesMax = 8 * 1024 * 1024;
/** The log's share of the cap: its longest, and what one transaction may add. */
const walShareBytes = walBytesMax + 4 * 1024 * 1024;
const diskReserveShare = 0.05;
const diskCheckEveryMs = 10_000;
/** What index pages and lists of free pages take beside an item's own. */
const sparePages = 16;
/** Free pages below this stay for the next outage. */
const freePagesMax = (4 * 1024 * 1024) / pageBytes;
/** So much is written anew in some milliseconds. */
const keptPagesMax = (1024 * 1024) / pageBytes;

export interface RoomOptions {
  readonly path: string;
  /** Of file and log together; well above the log's share, 12 MiB. */
  readonly bytesMax: number;
  readonly clock: Clock;
}

export class Room {
  readonly #db: DatabaseSync;
  readonly #options: RoomOptions;
  readonly #pagesMax: number;
  readonly #pageCount: StatementSync;
  readonly #freePages: StatementSync;
  #checkedMs = -Infinity;
  /** Pages of the file when the disk was found nearly full: it stays below. */
  #pagesWhenLow: number | undefined;

  constructor(db: DatabaseSync, options: RoomOptions) {
    this.#db = db;
    this.#options = options;
    this.#pagesMax = Math.floor((options.bytesMax - walShareBytes) / pageBytes);
    this.#pageCount = db.prepare('PRAGMA page_count');
    this.#freePages = db.prepare('PRAGMA freelist_count');
    this.#setWalBytes(walBytes);
  }

  /** Whether the disk is nearly full, so that the file does not grow. */
  get isLow(): boolean {
    return this.#pagesWhenLow !== undefined;
  }

  /** Looks at the disk now and then. Not inside a transaction: it may cut the log. */
  check(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#checkedMs < diskCheckEveryMs) return;
    this.#checkedMs = nowMs;
    const { bavail, blocks } = statfsSync(dirname(this.#options.path));
    const isLow = bavail < blocks * diskReserveShare;
    if (isLow === this.isLow) return;
    this.#pagesWhenLow = isLow ? numberOf(this.#pageCount) : undefined;
    this.#setWalBytes(isLow ? walBytesWhenLow : walBytes);
    if (isLow) this.#cutWal();
  }

  /** Whether the log can take a transaction; cuts it when it has grown too long. */
  walHasRoom(): boolean {
    const walPath = walPathOf(this.#options.path);
    if (bytesOf(walPath) < walBytesMax) return true;
    this.#cutWal();
    return bytesOf(walPath) < walBytesMax;
  }

  /** Whether items of so many bytes fit without the file growing beyond what it may. */
  hasRoomFor(bodyBytes: number): boolean {
    // A page holds some bytes of its own beside the body's.
    const pages = Math.ceil((bodyBytes / pageBytes) * 1.1) + sparePages;
    const pagesMax = this.#pagesWhenLow ?? this.#pagesMax;
    const growth = Math.max(0, pagesMax - numberOf(this.#pageCount));
    return growth >= pages || growth + numberOf(this.#freePages) >= pages;
  }

  /**
   * Gives the space of a backlog back once it has drained: what is left is written anew, which is
   * little. Not inside a transaction.
   */
  giveBack(): void {
    const free = numberOf(this.#freePages);
    if (free < freePagesMax || numberOf(this.#pageCount) - free > keptPagesMax) return;
    try {
      this.#db.exec('VACUUM');
      this.#cutWal();
    } catch {
      // What has no room now is tried again, and what is damaged shows in the statement that matters.
    }
  }

  /**
   * Writes all pages of the log into the file, and syncs it. Not inside a transaction.
   * @throws what SQLite says, or when somebody who reads keeps it from that
   */
  moveWalIntoFile(): void {
    const row = this.#db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
    const isWhole = row?.['busy'] === 0 && row['log'] === row['checkpointed'];
    if (!isWhole) throw new Error('the log is in use');
  }

  #setWalBytes(bytes: number): void {
    this.#db.exec(`PRAGMA wal_autocheckpoint = ${bytes / pageBytes}`);
    this.#db.exec(`PRAGMA journal_size_limit = ${bytes}`);
  }

  #cutWal(): void {
    // Somebody who reads may keep it from being cut; then it is tried again.
    this.#db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
  }
}

function numberOf(pragma: StatementSync): number {
  return Number(Object.values(pragma.get() ?? {})[0] ?? 0);
}
