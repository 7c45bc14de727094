/**
 * A durable queue in SQLite: first in, first out, in lanes. What was taken out for delivery stays
 * until it is removed, so delivery is at least once.
 *
 * It opens no file and begins no transaction: its tables are QUEUE_SCHEMA in the caller's database,
 * and what must happen together the caller puts between BEGIN and COMMIT. It keeps no counts in
 * memory either, so a transaction rolled back leaves nothing wrong behind.
 */
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { checksumOf } from './checksum.ts';
import type { QueuedItem, QueueItem } from './item.ts';

/** What a look at the oldest finds. */
export interface Found {
  /** As they were added. */
  readonly items: QueuedItem[];
  /** Ids of items that are no longer what was added: to be dropped, never to be given out. */
  readonly spoilt: readonly number[];
}

/** What waits in one lane. */
export interface LaneSummary {
  readonly lane: string;
  readonly items: number;
  readonly bodyBytes: number;
  readonly earliestMs: number;
  readonly latestMs: number;
}

export interface Dropped {
  readonly items: number;
  /** Those of them that had a number. */
  readonly numbered: number;
}

export interface OldestOptions {
  /** Only what was added before this id. */
  readonly beforeId?: number | undefined;
  /** Never these ids: they are on their way. */
  readonly except?: Iterable<number>;
}

export interface DropOptions {
  /** Of this lane alone; null: of all. */
  readonly lane?: string | null;
  /** Never these ids: what is on its way may arrive yet. */
  readonly except?: Iterable<number>;
}

/** Names as in `QueuedItem`, and `checksum`. */
const COLUMNS = 'id, lane, no, at_ms AS atMs, body, checksum';

export class DurableQueue {
  readonly #add: StatementSync;
  readonly #oldest: StatementSync;
  readonly #oldestOfLane: StatementSync;
  readonly #numbers: StatementSync;
  readonly #times: StatementSync;
  readonly #remove: StatementSync;
  readonly #droppable: StatementSync;
  readonly #going: StatementSync;
  readonly #noteDropped: StatementSync;
  readonly #dropped: StatementSync;
  readonly #sumUpDropped: StatementSync;
  readonly #forgetDropped: StatementSync;
  readonly #count: StatementSync;
  readonly #lanes: StatementSync;

  constructor(db: DatabaseSync) {
    this.#add = db.prepare(
      'INSERT INTO queue_items (lane, no, at_ms, body, checksum) VALUES (?,?,?,?,?)',
    );
    this.#oldest = db.prepare(
      `SELECT ${COLUMNS} FROM queue_items
       WHERE id < ? AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?`,
    );
    this.#oldestOfLane = db.prepare(
      `SELECT ${COLUMNS} FROM queue_items WHERE lane = ? ORDER BY id LIMIT ?`,
    );
    this.#numbers = db.prepare(
      'SELECT id, no AS value FROM queue_items WHERE lane = ? AND no IS NOT NULL ORDER BY id',
    );
    this.#times = db.prepare(
      'SELECT id, at_ms AS value FROM queue_items WHERE no IS NOT NULL ORDER BY at_ms',
    );
    this.#remove = db.prepare(
      'DELETE FROM queue_items WHERE id IN (SELECT value FROM json_each(?))',
    );
    this.#droppable = db.prepare(
      `SELECT id FROM queue_items
       WHERE (?1 IS NULL OR lane = ?1) AND id NOT IN (SELECT value FROM json_each(?2))
       ORDER BY id LIMIT ?3`,
    );
    // A lane that damage made something else than text could not be counted for.
    this.#going = db.prepare(
      `SELECT iif(typeof(lane) = 'text', lane, '') AS lane, no IS NOT NULL AS numbered
       FROM queue_items WHERE id IN (SELECT value FROM json_each(?))`,
    );
    this.#noteDropped = db.prepare(
      `INSERT INTO queue_dropped VALUES (?,?,?) ON CONFLICT (lane) DO UPDATE SET
       items = items + excluded.items, numbered = numbered + excluded.numbered`,
    );
    this.#dropped = db.prepare(
      `SELECT ifnull(sum(items), 0) AS items, ifnull(sum(numbered), 0) AS numbered
       FROM queue_dropped WHERE ?1 IS NULL OR lane = ?1`,
    );
    const nothingWaits = `lane <> '' AND NOT EXISTS
      (SELECT 1 FROM queue_items WHERE queue_items.lane = queue_dropped.lane)`;
    this.#sumUpDropped = db.prepare(
      `INSERT INTO queue_dropped SELECT '', sum(items), sum(numbered) FROM queue_dropped
       WHERE ${nothingWaits} HAVING count(*) > 0 ON CONFLICT (lane) DO UPDATE SET
       items = items + excluded.items, numbered = numbered + excluded.numbered`,
    );
    this.#forgetDropped = db.prepare(`DELETE FROM queue_dropped WHERE ${nothingWaits}`);
    this.#count = db.prepare(
      'SELECT count(*) AS items FROM queue_items WHERE ?1 IS NULL OR lane = ?1',
    );
    this.#lanes = db.prepare(
      `SELECT lane, count(*) AS items, sum(octet_length(body)) AS bodyBytes,
       min(at_ms) AS earliestMs, max(at_ms) AS latestMs
       FROM queue_items GROUP BY lane ORDER BY min(id)`,
    );
  }

  /** @returns the item's id */
  add(item: QueueItem): number {
    const { lane, no, atMs, body } = item;
    return Number(this.#add.run(lane, no, atMs, body, checksumOf(item)).lastInsertRowid);
  }

  /** The oldest of all lanes, at most `countMax`. */
  oldest(
    countMax: number,
    { beforeId = Number.MAX_SAFE_INTEGER, except = [] }: OldestOptions = {},
  ): Found {
    return found(this.#oldest.all(beforeId, JSON.stringify([...except]), countMax));
  }

  /** The oldest of a lane, at most `countMax`. */
  oldestOf(lane: string, countMax: number): Found {
    return found(this.#oldestOfLane.all(lane, countMax));
  }

  /** The number of the lane's oldest numbered item, `except` these ids; undefined when none is left. */
  oldestNumber(lane: string, except: ReadonlySet<number>): number | undefined {
    return firstValue(this.#numbers.iterate(lane), except);
  }

  /** The earliest time of all numbered items, `except` these ids; undefined when none is left. */
  earliestMs(except: ReadonlySet<number>): number | undefined {
    return firstValue(this.#times.iterate(), except);
  }

  /** Forgets items that were delivered; ids that are gone already do no harm. @returns how many went */
  remove(ids: readonly number[]): number {
    return Number(this.#remove.run(JSON.stringify(ids)).changes);
  }

  /**
   * Throws the oldest items away and counts them for their lanes. Several statements: only inside
   * a transaction of the caller's do they happen together.
   * @returns how many went
   */
  dropOldest(count: number, { lane = null, except = [] }: DropOptions = {}): number {
    const rows = this.#droppable.all(lane, JSON.stringify([...except]), count);
    return this.drop(rowsOf<{ id: number }>(rows).map(({ id }) => id));
  }

  /** The same for these. */
  drop(ids: readonly number[]): number {
    const rows = this.#going.all(JSON.stringify(ids));
    const going = rowsOf<{ lane: string; numbered: number }>(rows);
    for (const { lane, numbered } of going) this.#noteDropped.run(lane, 1, numbered);
    return this.remove(ids);
  }

  /** Counts what was dropped before it came into the queue. */
  noteDropped(lane: string, { items, numbered }: Dropped): void {
    this.#noteDropped.run(lane, items, numbered);
  }

  /**
   * Counts what was dropped of lanes in which nothing waits for the lane '', so that no more counts
   * are kept than lanes. Two statements, as `dropOldest`.
   */
  sumUpDropped(): void {
    this.#sumUpDropped.run();
    this.#forgetDropped.run();
  }

  /** What was ever dropped, of one lane since it was last summed up, or of all. */
  dropped(lane: string | null = null): Dropped {
    return rowsOf<Dropped>([this.#dropped.get(lane)])[0] ?? { items: 0, numbered: 0 };
  }

  /** How many wait, in one lane or in all. Walks an index: not for each tick of a long queue. */
  count(lane: string | null = null): number {
    return Number(this.#count.get(lane)?.['items'] ?? 0);
  }

  /** The lanes in which something waits, the one with the oldest item first; reads everything. */
  lanes(): LaneSummary[] {
    return rowsOf<LaneSummary>(this.#lanes.all());
  }
}

/** The statements above name their columns as the types do. */
function rowsOf<Row>(rows: readonly unknown[]): Row[] {
  return rows as Row[];
}

function found(rows: readonly unknown[]): Found {
  const items: QueuedItem[] = [];
  const spoilt: number[] = [];
  for (const { checksum, ...item } of rowsOf<QueuedItem & { checksum: number }>(rows)) {
    if (checksumOf(item) === checksum) items.push(item);
    else spoilt.push(item.id);
  }
  return { items, spoilt };
}

function firstValue(
  rows: Iterable<Record<string, SQLOutputValue>>,
  except: ReadonlySet<number>,
): number | undefined {
  for (const row of rows) {
    if (!except.has(Number(row['id']))) return Number(row['value']);
  }
  return undefined;
}
