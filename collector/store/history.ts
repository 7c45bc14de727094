/** Streams stored history in a stable order, for exports: by server's name as text, then time. */
import type { DatabaseSync } from 'node:sqlite';
import { METRICS } from '../../wire/metrics.ts';
import type { FleetAggregate } from '../windows/fleet.ts';
import type { Aggregate } from '../windows/window.ts';
import { unpackAggregates, unpackFleet } from './aggregates.ts';
import type { Span } from './queries.ts';
import { NEWEST_SAMPLE } from './sample-statements.ts';
import { FLAG } from './schema.ts';

export interface StoredWindow {
  readonly serverId: string;
  /** '' for a live server. */
  readonly replayId: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly samples: number;
  readonly final: boolean;
  readonly incomplete: boolean;
  readonly warmUp: boolean;
  readonly aggregates: readonly (Aggregate | null)[];
}

export interface StoredFleetWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly servers: number;
  readonly samples: number;
  readonly aggregates: readonly (FleetAggregate | null)[];
}

export interface StoredSample {
  readonly serverId: string;
  readonly tsMs: number;
  readonly bootId: string | null;
  readonly seq: number | null;
  /** In METRICS order. */
  readonly values: readonly (number | null)[];
}

/** What to read: a span, and of all sources or of one replay ('' for the live servers). */
export interface Selection extends Span {
  readonly replayId?: string | undefined;
}

/** Windows that begin within the span. */
export function* storedWindows(db: DatabaseSync, selection: Selection): Generator<StoredWindow> {
  const statement = db.prepare(
    `SELECT s.server_id, s.replay_id, w.* FROM windows w JOIN sources s USING (source_no)
     WHERE w.start_ms >= ? AND w.start_ms < ? AND s.replay_id = ifnull(?, s.replay_id)
     ORDER BY s.server_id, w.start_ms, w.source_no`,
  );
  const { fromMs, toMs, replayId = null } = selection;
  for (const row of statement.iterate(fromMs, toMs, replayId)) {
    const flags = Number(row['flags']);
    yield {
      serverId: String(row['server_id']),
      replayId: String(row['replay_id']),
      startMs: Number(row['start_ms']),
      endMs: Number(row['end_ms']),
      samples: Number(row['samples']),
      final: (flags & FLAG.final) !== 0,
      incomplete: (flags & FLAG.incomplete) !== 0,
      warmUp: (flags & FLAG.warmUp) !== 0,
      aggregates: unpackAggregates(row),
    };
  }
}

export function* storedFleetWindows(db: DatabaseSync, span: Span): Generator<StoredFleetWindow> {
  const statement = db.prepare(
    `SELECT * FROM fleet_windows WHERE start_ms >= ? AND start_ms < ?
     ORDER BY start_ms, origin_ms`,
  );
  for (const row of statement.iterate(span.fromMs, span.toMs)) {
    yield {
      startMs: Number(row['start_ms']),
      endMs: Number(row['end_ms']),
      servers: Number(row['servers']),
      samples: Number(row['samples']),
      aggregates: unpackFleet(String(row['aggregates'])),
    };
  }
}

/** The rowid of the newest sample that counts. */
function newestSample(db: DatabaseSync): number {
  // A store that only an earlier windrow has opened has no such table.
  const known = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'samples_ahead'").get();
  if (known === undefined) return Number.MAX_SAFE_INTEGER;
  return Number(db.prepare(`${NEWEST_SAMPLE} AS rowid`).get()?.['rowid']);
}

/** Samples taken within the span. */
export function* storedSamples(db: DatabaseSync, selection: Selection): Generator<StoredSample> {
  const statement = db.prepare(
    `SELECT s.server_id, b.boot_id, x.* FROM sources s
     JOIN samples x USING (source_no) LEFT JOIN boots b ON b.boot_no = x.boot_no
     WHERE x.ts >= ? AND x.ts < ? AND s.replay_id = ifnull(?, s.replay_id) AND x.rowid <= ?
     ORDER BY s.server_id, x.ts, x.seq`,
  );
  const { fromMs, toMs, replayId = null } = selection;
  for (const row of statement.iterate(fromMs, toMs, replayId, newestSample(db))) {
    yield {
      serverId: String(row['server_id']),
      tsMs: Number(row['ts']),
      bootId: typeof row['boot_id'] === 'string' ? row['boot_id'] : null,
      seq: typeof row['seq'] === 'number' ? row['seq'] : null,
      values: METRICS.map((metric) => {
        const value = row[metric];
        return typeof value === 'number' ? value : null;
      }),
    };
  }
}
