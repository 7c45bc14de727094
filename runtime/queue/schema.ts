/**
 * The tables of a durable queue. They stand in a file of their own (the agent's outbox) or among
 * the tables of a database that commits other things with them (the collector's notifications).
 *
 * - `queue_items`: what waits, oldest first by `id`. AUTOINCREMENT: an id never comes back, so
 *   removing one that was dropped meanwhile cannot hit another item. `checksum` is of all but the
 *   id (checksum.ts).
 * - `queue_times`: the earliest time among numbered items, which is not always the oldest item's.
 * - `queue_dropped`: what was thrown away to make room, by lane; it outlives the items.
 *   Lane '': of lanes in which nothing waits any longer, and of those that nobody could tell.
 */
export const QUEUE_SCHEMA = `
  CREATE TABLE queue_items (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    lane      TEXT NOT NULL,
    no        INTEGER,
    at_ms     INTEGER NOT NULL,
    checksum  INTEGER NOT NULL,
    body      TEXT NOT NULL
  ) STRICT;
  CREATE INDEX queue_lanes ON queue_items (lane, id);
  CREATE INDEX queue_times ON queue_items (at_ms) WHERE no IS NOT NULL;

  CREATE TABLE queue_dropped (
    lane      TEXT PRIMARY KEY,
    items     INTEGER NOT NULL,
    numbered  INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/**
 * Those of a queue in a file of its own, append-only; a database that holds the tables among others
 * has the same in its own.
 */
export const QUEUE_MIGRATIONS: readonly string[] = [QUEUE_SCHEMA];
