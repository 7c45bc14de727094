/**
 * A durable queue in a file of its own.
 *
 * What always holds: an item is in the file from `add` until it was delivered, or dropped and
 * counted. What was delivered is forgotten with the next transaction; a process killed in between
 * delivers it once more.
 *
 * - A killed process loses nothing. A power cut loses at most a second (wal-sync.ts).
 * - File and log stay below a cap and out of the disk's last twentieth (room.ts).
 * - A damaged file is set aside with a message, and a new one begun (damage.ts). An item that is
 *   not what was added is dropped and counted (checksum.ts).
 * - An older windrow's file is migrated; a newer one's is refused, and stays as it is.
 */
import { existsSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolderDurably } from '../durable-file.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logging.ts';
import { assertNotNewer, migrate, schemaVersionOf } from '../schema-version.ts';
import { inTransaction } from '../transaction.ts';
import {
  bytesOf,
  copyWalAside,
  DamagedFileError,
  isDamage,
  setAside,
  setWalAside,
  walPathOf,
} from './damage.ts';
import type { QueuedItem, QueueItem } from './item.ts';
import { type Dropped, DurableQueue, type OldestOptions } from './queue.ts';
import { pageBytes, Room, type RoomOptions } from './room.ts';
import { QUEUE_MIGRATIONS } from './schema.ts';
import { damageOfWal } from './wal-damage.ts';
import { WalSync } from './wal-sync.ts';

/** More than any windrow will have for years: such a number is damage. */
const schemaVersionMax = 50;
const cacheKiB = 512;
/** How long a statement waits for another process's lock; the loop is held meanwhile. */
const busyTimeoutMs = 50;
/** Items dropped at a time when there is no room: seldom many, not often one. */
const dropItems = 120;

export interface QueueFileOptions extends RoomOptions {
  readonly log: Logger;
}

export interface AddOptions {
  /** Never dropped: what is on its way may arrive yet. */
  readonly keep: Iterable<number>;
  /** Whether older items may be dropped for these when the disk, not the cap, leaves no room. */
  readonly mayDropWhenLow: boolean;
}

export interface Added {
  readonly ids: readonly number[];
  /** How many older items were dropped for these. */
  readonly dropped: number;
}

/** The items do not fit, and nothing may be dropped for them. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}

/**
 * Opens the file, making it when missing; what cannot be read is set aside and told.
 * @throws WindrowError `store_newer`; what SQLite or the system says when it cannot be used
 */
export function openQueueFile(options: QueueFileOptions): QueueFile {
  makeFolderDurably(dirname(options.path));
  setDamagedWalAside(options);
  try {
    return new QueueFile(options);
  } catch (error) {
    if (!isDamage(error)) throw error;
    setQueueFileAside(options, error);
    return new QueueFile(options);
  }
}

/** SQLite says nothing of a log that it reads in part, or not at all. */
function setDamagedWalAside({ path, clock, log }: QueueFileOptions): void {
  const damage = damageOfWal(path);
  if (damage === 'none') return;
  const setItAside = damage === 'whole' ? setWalAside : copyWalAside;
  const file = setItAside(path, clock.wallMs());
  log.error({ file }, 'a damaged log was set aside; what it held from there on is lost');
}

/** Moves the file, in which `error` was found, out of the way, and tells it. */
export function setQueueFileAside({ path, clock, log }: QueueFileOptions, error: unknown): void {
  const aside = setAside(path, clock.wallMs());
  log.error({ file: aside, error: messageOf(error) }, 'a damaged file was set aside');
}

export class QueueFile {
  readonly #options: QueueFileOptions;
  readonly #db: DatabaseSync;
  readonly #queue: DurableQueue;
  readonly #room: Room;
  readonly #sync: WalSync;
  /** Still in the file, to be removed with the next transaction. */
  #delivered = new Set<number>();
  #items: number;
  #isSpoiltTold = false;

  constructor(options: QueueFileOptions) {
    this.#options = options;
    this.#db = openChecked(options.path);
    try {
      this.#queue = new DurableQueue(this.#db);
      this.#room = new Room(this.#db, options);
      this.#items = this.#queue.count();
      // Otherwise each run that drops would leave a count behind for ever.
      inTransaction(this.#db, () => this.#queue.sumUpDropped());
      const moveIntoFile = (): void => this.#room.moveWalIntoFile();
      this.#sync = new WalSync(walPathOf(options.path), { ...options, moveIntoFile });
      if (this.#items > 0) this.#sync.begin();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** Items that are not delivered. */
  get size(): number {
    return this.#items - this.#delivered.size;
  }

  /**
   * Adds all of them or, when it throws, none.
   * @throws NoRoomError, or what SQLite says: the disk is full, the file damaged
   */
  add(items: readonly QueueItem[], { keep, mayDropWhenLow }: AddOptions): Added {
    this.#room.giveBack();
    this.#room.check();
    if (!this.#room.walHasRoom()) throw new NoRoomError('the log cannot be cut: somebody reads it');
    const added = inTransaction(this.#db, () => {
      const removed = this.#queue.remove([...this.#delivered]);
      const mayDrop = mayDropWhenLow || !this.#room.isLow;
      const dropped = this.#makeRoom(bytesOfAll(items), { keep, mayDrop });
      const ids = items.map((item) => this.#queue.add(item));
      return { ids, dropped, removed };
    });
    this.#items += added.ids.length - added.removed - added.dropped;
    this.#delivered.clear();
    this.#sync.wrote(added.ids);
    return added;
  }

  /** These need not be kept any longer. */
  delivered(ids: readonly number[]): void {
    for (const id of ids) this.#delivered.add(id);
    this.#sync.settled(ids);
  }

  /** The oldest that are not delivered, at most `countMax`; fewer when damaged ones were among them. */
  oldest(countMax: number, options?: OldestOptions): QueuedItem[] {
    this.#forgetDelivered();
    const { items, spoilt } = this.#queue.oldest(countMax, options);
    if (spoilt.length > 0) this.#dropSpoilt(spoilt);
    return items;
  }

  /** The lane's lowest number that is not delivered. */
  oldestNumber(lane: string): number | undefined {
    return this.#queue.oldestNumber(lane, this.#delivered);
  }

  /** The earliest time of all numbered items that are not delivered, except these. */
  earliestMs(except: Iterable<number>): number | undefined {
    return this.#queue.earliestMs(new Set([...this.#delivered, ...except]));
  }

  /** What was ever dropped: of all, or of a lane in which something waited when the file was opened, or since. */
  dropped(lane?: string): Dropped {
    return this.#queue.dropped(lane);
  }

  /** Counts what was dropped before it came into the file. */
  noteDropped(lane: string, dropped: Dropped): void {
    this.#queue.noteDropped(lane, dropped);
  }

  /** Lets go of a file that is damaged, and writes no more to it. */
  abandon(): void {
    void this.#sync.close();
    this.#db.close();
  }

  async close(): Promise<void> {
    await this.#sync.close();
    try {
      this.#forgetDelivered();
    } finally {
      // The last one who closes moves the log into the file and syncs that.
      this.#db.close();
    }
  }

  #forgetDelivered(): void {
    if (this.#delivered.size === 0) return;
    this.#room.giveBack();
    this.#items -= inTransaction(this.#db, () => this.#queue.remove([...this.#delivered]));
    this.#delivered.clear();
  }

  #dropSpoilt(ids: readonly number[]): void {
    this.#items -= inTransaction(this.#db, () => this.#queue.drop(ids));
    this.#sync.settled(ids);
    if (this.#isSpoiltTold) return;
    // Once: a disk that goes bad damages more, and all are counted.
    this.#isSpoiltTold = true;
    const { path, log } = this.#options;
    log.error({ file: path, items: ids.length }, 'damaged items are dropped');
  }

  /** @returns how many items were dropped for it */
  #makeRoom(bodyBytes: number, { keep, mayDrop }: { keep: Iterable<number>; mayDrop: boolean }) {
    let dropped = 0;
    while (!this.#room.hasRoomFor(bodyBytes)) {
      const went = mayDrop ? this.#queue.dropOldest(dropItems, { except: keep }) : 0;
      if (went === 0) throw new NoRoomError('no room is left on the disk');
      dropped += went;
    }
    return dropped;
  }
}

function bytesOfAll(items: readonly QueueItem[]): number {
  return items.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
}

function openChecked(path: string): DatabaseSync {
  const isNew = !existsSync(path);
  // SQLite would throw its log away and begin anew without a word.
  if (!isNew && bytesOf(path) === 0) throw new DamagedFileError('the file is empty');
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs });
  try {
    // Before anything is written: whoever is refused leaves the file as it was.
    assertKnownSchema(db, path);
    // Takes effect while the file is still empty.
    db.exec(`PRAGMA page_size = ${pageBytes}`);
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY');
    db.exec(`PRAGMA cache_size = -${cacheKiB}`);
    const problem = firstOf(db, 'PRAGMA quick_check(1)');
    if (problem !== 'ok') throw new DamagedFileError(String(problem));
    migrate(db, QUEUE_MIGRATIONS);
    return db;
  } catch (error) {
    db.close();
    // A disk that is full leaves an empty file behind, which the next try would take for damage.
    if (isNew) for (const half of [path, walPathOf(path)]) rmSync(half, { force: true });
    throw error;
  }
}

function assertKnownSchema(db: DatabaseSync, path: string): void {
  const version = schemaVersionOf(db);
  if (version < 0 || version > schemaVersionMax) {
    throw new DamagedFileError(`no windrow has a schema ${version}`);
  }
  assertNotNewer(db, path, QUEUE_MIGRATIONS.length);
}

function firstOf(db: DatabaseSync, pragma: string): unknown {
  return Object.values(db.prepare(pragma).get() ?? {})[0];
}
