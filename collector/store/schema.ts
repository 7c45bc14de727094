import { QUEUE_SCHEMA } from '../../runtime/queue/schema.ts';

/**
 * The collector's database. Migrations are append-only: `user_version` counts those applied.
 *
 * - `samples` and `details` are append-only in order of arrival (rowid), those of one commit source
 *   by source, so retention cuts at the low end. Repeats are found in memory by (server, boot, seq),
 *   not by a unique index.
 * - `details` holds what is in no column (cores, devices, processes) and is kept for less long.
 * - `arrivals` tells which rowid each minute began with: age without an index on it.
 * - `windows.figures` and `windows.aggregates` are what `aggregates.ts` reads.
 * - `fleet_pending` names window starts whose fleet window must be made from `windows` anew.
 * - `samples_ahead` marks the samples that are there and do not count yet.
 * - `told` holds the alerts that a notifier's receiver knows as firing; `held` ones it would, but for
 *   a silence.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE sources (
    source_no     INTEGER PRIMARY KEY,
    server_id     TEXT NOT NULL,
    replay_id     TEXT NOT NULL,
    origin_ms     INTEGER NOT NULL,
    last_seen_ms  INTEGER NOT NULL,
    state         TEXT NOT NULL,
    UNIQUE (server_id, replay_id)
  ) STRICT;

  CREATE TABLE boots (
    boot_no    INTEGER PRIMARY KEY,
    source_no  INTEGER NOT NULL,
    boot_id    TEXT NOT NULL,
    sequence   TEXT NOT NULL,
    UNIQUE (source_no, boot_id)
  ) STRICT;

  CREATE TABLE samples (
    source_no      INTEGER NOT NULL,
    ts             INTEGER NOT NULL,
    boot_no        INTEGER,
    seq            INTEGER,
    cpu_pct        REAL,
    mem_pct        REAL,
    net_in         REAL,
    net_out        REAL,
    disk_io        REAL,
    disk_used_pct  REAL
  ) STRICT;
  CREATE INDEX samples_by_time ON samples (source_no, ts);

  CREATE TABLE details (
    source_no  INTEGER NOT NULL,
    ts         INTEGER NOT NULL,
    body       TEXT NOT NULL
  ) STRICT;
  CREATE INDEX details_by_time ON details (source_no, ts);

  CREATE TABLE windows (
    source_no   INTEGER NOT NULL,
    start_ms    INTEGER NOT NULL,
    end_ms      INTEGER NOT NULL,
    samples     INTEGER NOT NULL,
    flags       INTEGER NOT NULL,
    aggregates  TEXT NOT NULL,
    UNIQUE (start_ms, source_no)
  ) STRICT;
  CREATE INDEX windows_by_source ON windows (source_no, start_ms);

  CREATE TABLE fleet_windows (
    origin_ms   INTEGER NOT NULL,
    start_ms    INTEGER NOT NULL,
    end_ms      INTEGER NOT NULL,
    servers     INTEGER NOT NULL,
    samples     INTEGER NOT NULL,
    aggregates  TEXT NOT NULL,
    UNIQUE (start_ms, origin_ms)
  ) STRICT;

  CREATE TABLE fleet_pending (
    origin_ms  INTEGER NOT NULL,
    start_ms   INTEGER NOT NULL,
    end_ms     INTEGER NOT NULL,
    PRIMARY KEY (origin_ms, start_ms)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE inventories (
    source_no  INTEGER PRIMARY KEY,
    body       TEXT NOT NULL
  ) STRICT;

  CREATE TABLE quarantine (
    id      INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    remote  TEXT NOT NULL,
    topic   TEXT,
    reason  TEXT NOT NULL,
    body    TEXT NOT NULL
  ) STRICT;

  CREATE TABLE arrivals (
    minute_ms      INTEGER PRIMARY KEY,
    samples_rowid  INTEGER NOT NULL,
    details_rowid  INTEGER NOT NULL,
    windows_rowid  INTEGER NOT NULL,
    fleet_rowid    INTEGER NOT NULL
  ) STRICT;
  `,
  // Alerts: those that are active (as JSON), and each step that any has taken.
  `
  CREATE TABLE alert_states (
    rule    TEXT NOT NULL,
    server  TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (rule, server)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE alert_transitions (
    no         INTEGER PRIMARY KEY,
    alert_id   TEXT NOT NULL,
    rule       TEXT NOT NULL,
    server     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    severity   TEXT NOT NULL,
    at_ms      INTEGER NOT NULL,
    starts_ms  INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    facts      TEXT,
    processes  TEXT
  ) STRICT;
  CREATE INDEX alert_transitions_by_alert ON alert_transitions (alert_id, no);
  CREATE INDEX alert_transitions_by_time ON alert_transitions (at_ms);
  CREATE INDEX alert_ends ON alert_transitions (no) WHERE kind = 'resolved';
  CREATE INDEX alert_ends_by_server ON alert_transitions (server, no) WHERE kind = 'resolved';
  `,
  // Notifications: what waits for each notifier, is on its way, was told, and became of it.
  `
  ${QUEUE_SCHEMA}

  CREATE TABLE outgoing (
    notifier  TEXT PRIMARY KEY,
    key       TEXT NOT NULL,
    notices   TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE told (
    notifier  TEXT NOT NULL,
    alert_id  TEXT NOT NULL,
    held      INTEGER NOT NULL,
    notice    TEXT NOT NULL,
    PRIMARY KEY (notifier, alert_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE deliveries (
    id        INTEGER PRIMARY KEY,
    at_ms     INTEGER NOT NULL,
    notifier  TEXT NOT NULL,
    alert_id  TEXT NOT NULL,
    status    TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    attempts  INTEGER NOT NULL,
    error     TEXT
  ) STRICT;
  CREATE INDEX deliveries_by_alert ON deliveries (alert_id, id);
  `,
  // What the collectors of one log tell each other: how far `window-results` has been read, and the
  // newest record of each of its keys; `others` tells those that another collector wrote.
  `
  CREATE TABLE result_positions (
    partition    INTEGER PRIMARY KEY,
    next_offset  INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE results (
    server_id  TEXT NOT NULL,
    replay_id  TEXT NOT NULL,
    others     INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (server_id, replay_id)
  ) STRICT, WITHOUT ROWID;
  `,
  // The notices of a notification that was refused go out one by one.
  `
  ALTER TABLE outgoing ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;
  `,
  // How far each partition of the log has been taken in: what lies before is stored.
  `
  CREATE TABLE log_positions (
    topic          TEXT NOT NULL,
    partition      INTEGER NOT NULL,
    taken_through  INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)
  ) STRICT, WITHOUT ROWID;
  `,
  // Alerts that collectors share: the newest record of each key of `alerts`, how far that topic has
  // been read, and the alerts of our own that are open, as we tell them.
  `
  CREATE TABLE shared_alerts (
    rule    TEXT NOT NULL,
    server  TEXT NOT NULL,
    slot    INTEGER NOT NULL,
    term    INTEGER NOT NULL,
    active  INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (rule, server)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX shared_alerts_active ON shared_alerts (slot) WHERE active = 1;

  CREATE TABLE shared_alert_positions (
    partition    INTEGER PRIMARY KEY,
    next_offset  INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE own_alerts (
    rule    TEXT NOT NULL,
    server  TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (rule, server)
  ) STRICT, WITHOUT ROWID;
  `,
  // Of which topic positions are: one that is deleted and made anew has another id. Null: not noted.
  `
  ALTER TABLE log_positions ADD COLUMN topic_id TEXT;
  ALTER TABLE result_positions ADD COLUMN topic_id TEXT;
  ALTER TABLE shared_alert_positions ADD COLUMN topic_id TEXT;
  `,
  // One row while samples are written ahead of the commit that makes them count: those behind this
  // rowid do not yet. `passes` says how often that was done for the commit.
  `
  CREATE TABLE samples_ahead (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    behind_rowid   INTEGER NOT NULL,
    passes         INTEGER NOT NULL
  ) STRICT;
  `,
  // A window's aggregates as bytes. Nothing is rewritten, there may be gigabytes: rows of before keep
  // null here, and new ones have '' in `aggregates`.
  `
  ALTER TABLE windows ADD COLUMN figures BLOB;
  `,
];

/** Bits of `windows.flags`. */
export const FLAG = { final: 1, incomplete: 2, warmUp: 4, skewed: 8 } as const;
