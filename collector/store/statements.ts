/** Writes one group inside the transaction that the caller has begun. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { FleetMerger, type FleetWindow } from '../windows/fleet.ts';
import { mergeServer, packAggregates, packFleet } from './aggregates.ts';
import { AlertStatements } from './alert-statements.ts';
import { ResultStatements } from './result-statements.ts';
import type { DetailRow, FleetStart, Group, WindowRow } from './group.ts';
import { NEWEST_SAMPLE, SampleStatements } from './sample-statements.ts';
import { FLAG } from './schema.ts';

/** Rows of quarantine that are kept; the oldest go first. */
export const quarantineRowsMax = 10_000;
const minuteMs = 60_000;

/** A fleet window that was made of the stored windows of its servers. */
export interface MadeFleetWindow {
  readonly originMs: number;
  readonly window: FleetWindow;
}

export class GroupStatements {
  readonly #detail: StatementSync;
  readonly #window: StatementSync;
  readonly #inventory: StatementSync;
  readonly #source: StatementSync;
  readonly #boot: StatementSync;
  readonly #quarantine: StatementSync;
  readonly #quarantineTrim: StatementSync;
  readonly #fleetPending: StatementSync;
  readonly #fleetDone: StatementSync;
  readonly #fleetInputs: StatementSync;
  readonly #fleet: StatementSync;
  readonly #arrival: StatementSync;
  readonly #logPosition: StatementSync;
  readonly #samples: SampleStatements;
  readonly #aheadCounts: StatementSync;
  readonly #alerts: AlertStatements;
  readonly #results: ResultStatements;

  constructor(db: DatabaseSync) {
    this.#alerts = new AlertStatements(db);
    this.#results = new ResultStatements(db);
    this.#samples = new SampleStatements(db);
    this.#aheadCounts = db.prepare('DELETE FROM samples_ahead');
    this.#detail = db.prepare('INSERT INTO details VALUES (?,?,?)');
    this.#window = db.prepare(
      `INSERT INTO windows VALUES (?,?,?,?,?,'',?) ON CONFLICT (start_ms, source_no) DO UPDATE SET
       end_ms = excluded.end_ms, samples = excluded.samples, flags = excluded.flags,
       aggregates = excluded.aggregates, figures = excluded.figures
       WHERE windows.flags & ${FLAG.final} = 0 OR excluded.flags & ${FLAG.final} <> 0`,
    );
    this.#inventory = db.prepare('INSERT OR REPLACE INTO inventories VALUES (?,?)');
    this.#logPosition = db.prepare('INSERT OR REPLACE INTO log_positions VALUES (?,?,?,?)');
    // Replacing a row takes it out of its indexes and puts it in again, which each commit would do.
    this.#source = db.prepare(
      `INSERT OR REPLACE INTO sources VALUES (?,?,?,?,?,?) ON CONFLICT (source_no) DO UPDATE SET
       last_seen_ms = excluded.last_seen_ms, state = excluded.state`,
    );
    this.#boot = db.prepare(
      `INSERT OR REPLACE INTO boots VALUES (?,?,?,?) ON CONFLICT (boot_no) DO UPDATE SET
       sequence = excluded.sequence`,
    );
    this.#quarantine = db.prepare('INSERT INTO quarantine VALUES (NULL,?,?,?,?,?)');
    this.#quarantineTrim = db.prepare(
      'DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?',
    );
    this.#fleetPending = db.prepare('INSERT OR IGNORE INTO fleet_pending VALUES (?,?,?)');
    this.#fleetDone = db.prepare('DELETE FROM fleet_pending WHERE origin_ms = ? AND start_ms = ?');
    this.#fleetInputs = db.prepare(
      `SELECT w.samples, ifnull(w.figures, w.aggregates)
       FROM windows w JOIN sources s USING (source_no)
       WHERE w.start_ms = ? AND w.end_ms = ? AND s.origin_ms = ?
       AND w.flags & ${FLAG.skewed} = 0 ORDER BY w.source_no`,
    );
    // An object for each row would cost as much as reading its figures.
    this.#fleetInputs.setReturnArrays(true);
    this.#fleet = db.prepare(
      `INSERT INTO fleet_windows VALUES (?,?,?,?,?,?) ON CONFLICT (start_ms, origin_ms) DO UPDATE SET
       end_ms = excluded.end_ms, servers = excluded.servers, samples = excluded.samples,
       aggregates = excluded.aggregates`,
    );
    this.#arrival = db.prepare(
      `INSERT OR IGNORE INTO arrivals SELECT ?, (${NEWEST_SAMPLE}),
       (SELECT ifnull(max(rowid), 0) FROM details), (SELECT ifnull(max(rowid), 0) FROM windows),
       (SELECT ifnull(max(rowid), 0) FROM fleet_windows)`,
    );
  }

  /** @param onFleet sees the fleet windows that are made, and may add what they raise to the group */
  write(
    group: Group,
    nowMs: number,
    onFleet: (made: readonly MadeFleetWindow[]) => void = () => {},
  ): void {
    this.#noteMinute(nowMs);
    for (const row of group.sources.values()) {
      const { sourceNo, serverId, replayId, originMs, lastSeenMs, state } = row;
      this.#source.run(sourceNo, serverId, replayId, originMs, lastSeenMs, state);
    }
    for (const row of group.boots.values()) {
      this.#boot.run(row.bootNo, row.sourceNo, row.bootId, row.sequence);
    }
    for (const { topic, partition, offset, topicId = null } of group.logPositions.values()) {
      this.#logPosition.run(topic, partition, offset, topicId);
    }
    if (group.passes > 0) this.#aheadCounts.run();
    this.#samples.write(group.samples);
    this.#writeDetails(group.details);
    this.#writeWindows(group.windows);
    this.#writeWindows(group.othersWindows);
    this.#results.write(group);
    for (const { sourceNo, body } of group.inventories) this.#inventory.run(sourceNo, body);
    for (const row of group.quarantine) {
      this.#quarantine.run(row.atMs, row.remote, row.topic, row.reason, row.body);
    }
    if (group.quarantine.length > 0) this.#quarantineTrim.run(quarantineRowsMax);
    for (const start of group.fleetPending) {
      this.#fleetPending.run(start.originMs, start.startMs, start.endMs);
    }
    onFleet(group.fleetDue.flatMap((start) => this.#writeFleet(start)));
    this.#alerts.write(group);
  }

  #noteMinute(nowMs: number): void {
    // Not remembered in memory: a commit that fails takes the row back.
    this.#arrival.run(Math.floor(nowMs / minuteMs) * minuteMs);
  }

  #writeDetails(rows: readonly DetailRow[]): void {
    for (const { sourceNo, tsMs, detail } of rows.toSorted((a, b) => a.sourceNo - b.sourceNo)) {
      this.#detail.run(sourceNo, tsMs, detail);
    }
  }

  /** A final window stays as it is until another final one of its start comes. */
  #writeWindows(rows: readonly WindowRow[]): void {
    for (const { window, skewed } of rows) {
      const flags =
        (window.final ? FLAG.final : 0) |
        (window.incomplete ? FLAG.incomplete : 0) |
        (window.warmUp ? FLAG.warmUp : 0) |
        (skewed ? FLAG.skewed : 0);
      this.#window.run(
        window.source,
        window.startMs,
        window.endMs,
        window.samples,
        flags,
        packAggregates(window.aggregates),
      );
    }
  }

  /** A fleet window is always made from the stored windows of its start: after an outage or a restart it comes out the same. */
  #writeFleet({ originMs, startMs, endMs }: FleetStart): MadeFleetWindow[] {
    const merger = new FleetMerger();
    for (const row of this.#fleetInputs.iterate(startMs, endMs, originMs)) {
      mergeServer(merger, Number(row[0]), row[1]);
    }
    this.#fleetDone.run(originMs, startMs);
    const fleet = merger.merged(startMs, endMs);
    if (fleet === null) return [];
    const aggregates = packFleet(fleet.aggregates);
    this.#fleet.run(originMs, startMs, endMs, fleet.servers, fleet.samples, aggregates);
    return [{ originMs, window: fleet }];
  }
}
