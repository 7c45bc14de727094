/** What the store has of alerts: for a restart, for the page's explain, for exports. */
import type { DatabaseSync } from 'node:sqlite';
import { unpackAggregates, unpackFleet } from '../store/aggregates.ts';
import type { Span } from '../store/queries.ts';
import type { FleetWindow } from '../windows/fleet.ts';
import {
  type Alert,
  alertAt,
  type Severity,
  type Transition,
  type TransitionKind,
  type WindowFacts,
} from './alert.ts';
import type { AlertRecord } from './book.ts';
import { offsetMsMin, offsetThatCounts, type TimeSpan } from './collector-time.ts';
import type { RestoredAlerts } from './engine.ts';
import { type Figures, fleetFigures, serverFigures } from './rules/expression.ts';

/**
 * What an earlier run of the program left.
 * @param nowMs the clock's wall time
 */
export function restoreAlerts(db: DatabaseSync, nowMs: number): RestoredAlerts {
  const records = storedAlerts(db);
  const judgedThroughMs = new Map<number, number>();
  const ahead = new Map<number, TimeSpan>();
  const sources = db.prepare(
    `SELECT source_no, json_extract(state, '$.clockOffsetMs') AS offset_ms FROM sources
     WHERE replay_id = ''`,
  );
  const judged = judgedIn(db, nowMs);
  const aheadOf = aheadIn(db, nowMs);
  for (const { source_no: sourceNo, offset_ms: measuredMs } of sources.iterate()) {
    const atMs = judged(Number(sourceNo), Number(measuredMs ?? 0));
    if (atMs !== undefined) judgedThroughMs.set(Number(sourceNo), atMs);
    const span = aheadOf(Number(sourceNo));
    if (span !== undefined) ahead.set(Number(sourceNo), span);
  }
  const fleet = db
    .prepare(
      `SELECT end_ms FROM fleet_windows WHERE origin_ms = 0 AND end_ms <= ?
       ORDER BY start_ms DESC LIMIT 1`,
    )
    .get(nowMs)?.['end_ms'];
  const fleetJudgedThroughMs = typeof fleet === 'number' ? fleet : Number.NEGATIVE_INFINITY;
  return { records, judgedThroughMs, ahead, fleetJudgedThroughMs };
}

/** Active alerts as of the last commit. */
export function storedAlerts(db: DatabaseSync): AlertRecord[] {
  return db
    .prepare('SELECT body FROM alert_states')
    .all()
    .map((row) => JSON.parse(String(row['body'])) as AlertRecord);
}

/**
 * How far the windows of a source, whose clock was measured that far off, have been judged, by the
 * collector's clock. A window is judged before it is stored, but for one of a clock that ran ahead:
 * taken for judged, it would keep all from being judged until that time has come.
 */
export function judgedIn(
  db: DatabaseSync,
  nowMs: number,
): (sourceNo: number, clockOffsetMs: number) => number | undefined {
  const newest = db.prepare(
    `SELECT end_ms FROM windows WHERE source_no = ? AND end_ms <= ?
     ORDER BY start_ms DESC LIMIT 1`,
  );
  return (sourceNo, clockOffsetMs) => {
    const offMs = offsetThatCounts(clockOffsetMs);
    const endMs = newest.get(sourceNo, nowMs + offMs)?.['end_ms'];
    return endMs === undefined ? undefined : Number(endMs) - offMs;
  };
}

/**
 * The time that windows of a source are of although it is still to come: its clock ran ahead when
 * they were made. What begins by now may be the last that a goodbye closed.
 */
export function aheadIn(
  db: DatabaseSync,
  nowMs: number,
): (sourceNo: number) => TimeSpan | undefined {
  const ahead = db.prepare(
    'SELECT min(start_ms) AS s, max(end_ms) AS e FROM windows WHERE source_no = ? AND start_ms > ?',
  );
  return (sourceNo) => {
    const { s: startMs, e: endMs } = ahead.get(sourceNo, nowMs + offsetMsMin) ?? {};
    return typeof startMs === 'number' && typeof endMs === 'number'
      ? { startMs, endMs }
      : undefined;
  };
}

/** Windows of the fleet that end within the span, by time. */
export function fleetWindowsBetween(db: DatabaseSync, { fromMs, toMs }: Span): FleetWindow[] {
  return db
    .prepare(`${FLEET_WINDOWS} AND end_ms >= ? AND end_ms < ? ORDER BY start_ms`)
    .all(fromMs, toMs)
    .map(toFleetWindow);
}

/** Transitions within the span, by time. A store that only an earlier windrow has opened has none. */
export function* storedTransitions(
  db: DatabaseSync,
  { fromMs, toMs }: Span,
): Generator<Transition> {
  const known = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'alert_transitions'").get();
  if (known === undefined) return;
  const statement = db.prepare(
    'SELECT * FROM alert_transitions WHERE at_ms >= ? AND at_ms < ? ORDER BY at_ms, no',
  );
  for (const row of statement.iterate(fromMs, toMs)) yield toTransition(row);
}

/** All steps of one alert, oldest first. */
export function transitionsOf(db: DatabaseSync, alertId: string): Transition[] {
  return db
    .prepare('SELECT * FROM alert_transitions WHERE alert_id = ? ORDER BY no')
    .all(alertId)
    .map(toTransition);
}

export interface Past {
  /** Of this server alone; undefined: of all, and of the fleet. */
  readonly server?: string | undefined;
  readonly countMax: number;
}

/** The alerts that were resolved last, the newest first. */
export function pastAlerts(db: DatabaseSync, { server, countMax }: Past): Alert[] {
  const of = server === undefined ? [] : [server];
  const ends = db
    .prepare(
      `SELECT * FROM alert_transitions WHERE kind = 'resolved' ${of.length > 0 ? 'AND server = ?' : ''}
       ORDER BY no DESC LIMIT ?`,
    )
    .all(...of, countMax)
    .map(toTransition);
  const firing = db.prepare(
    "SELECT * FROM alert_transitions WHERE alert_id = ? AND kind = 'firing'",
  );
  return ends.map((end) => {
    const fired = firing.get(end.id);
    // Its firing may be older than what is kept.
    const unknown = { atMs: end.startsAtMs, processes: null };
    return alertAt(end, fired === undefined ? unknown : toTransition(fired));
  });
}

/** A stored window as a rule sees it. */
export interface StoredSubjectWindow {
  /** '' for the fleet. */
  readonly server: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly figures: Figures;
}

/** Windows of live servers and of the fleet that begin within the span, in order of their begin. */
export function* windowsInTime(
  db: DatabaseSync,
  { fromMs, toMs }: Span,
): Generator<StoredSubjectWindow> {
  const fleet = db
    .prepare(`${FLEET_WINDOWS} AND start_ms >= ? AND start_ms < ? ORDER BY start_ms`)
    .iterate(fromMs, toMs);
  const servers = db.prepare(
    `SELECT s.server_id, w.* FROM windows w JOIN sources s USING (source_no)
     WHERE w.start_ms >= ? AND w.start_ms < ? AND s.replay_id = '' ORDER BY w.start_ms, w.source_no`,
  );
  let nextFleet = fleet.next();
  for (const row of servers.iterate(fromMs, toMs)) {
    const window = readServer(row, String(row['server_id']));
    // A fleet window comes after those of its servers.
    while (!nextFleet.done && Number(nextFleet.value['start_ms']) < window.startMs) {
      yield readFleet(nextFleet.value);
      nextFleet = fleet.next();
    }
    yield window;
  }
  for (; !nextFleet.done; nextFleet = fleet.next()) yield readFleet(nextFleet.value);
}

/** Windows of a live server, or of the fleet (''), that end within the span: at most so many of its first and of its last. */
export function windowsAround(
  db: DatabaseSync,
  server: string,
  span: Span & { readonly countMax: number },
): StoredSubjectWindow[] {
  const [from, read] = server === '' ? [FLEET_WINDOWS, readFleet] : [SERVER_WINDOWS, readServer];
  const { fromMs, toMs, countMax } = span;
  const parameters = server === '' ? [] : [server];
  const select = (order: 'ASC' | 'DESC'): StoredSubjectWindow[] =>
    db
      .prepare(`${from} AND start_ms >= ? AND start_ms < ? ORDER BY start_ms ${order} LIMIT ?`)
      .all(...parameters, fromMs, toMs, Math.ceil(countMax / 2))
      .map((row) => read(row, server));
  const first = select('ASC');
  const throughMs = first.at(-1)?.startMs ?? Number.NEGATIVE_INFINITY;
  const last = select('DESC').filter(({ startMs }) => startMs > throughMs);
  return [...first, ...last.toReversed()];
}

const SERVER_WINDOWS = `SELECT w.* FROM windows w WHERE source_no =
  (SELECT source_no FROM sources WHERE server_id = ? AND replay_id = '')`;
const FLEET_WINDOWS = 'SELECT * FROM fleet_windows WHERE origin_ms = 0';

type Row = Readonly<Record<string, unknown>>;

function readServer(row: Row, server: string): StoredSubjectWindow {
  const samples = Number(row['samples']);
  const aggregates = unpackAggregates(row);
  return { server, ...spanOf(row), figures: serverFigures({ samples, aggregates }, server) };
}

function readFleet(row: Row): StoredSubjectWindow {
  return { server: '', ...spanOf(row), figures: fleetFigures(toFleetWindow(row)) };
}

function toFleetWindow(row: Row): FleetWindow {
  return {
    ...spanOf(row),
    samples: Number(row['samples']),
    servers: Number(row['servers']),
    aggregates: unpackFleet(String(row['aggregates'])),
  };
}

function spanOf(row: Row): { startMs: number; endMs: number } {
  return { startMs: Number(row['start_ms']), endMs: Number(row['end_ms']) };
}

function toTransition(row: Row): Transition {
  const { facts, processes } = row;
  return {
    id: String(row['alert_id']),
    rule: String(row['rule']),
    server: String(row['server']),
    kind: String(row['kind']) as TransitionKind,
    severity: String(row['severity']) as Severity,
    atMs: Number(row['at_ms']),
    startsAtMs: Number(row['starts_ms']),
    reason: String(row['reason']),
    window: typeof facts === 'string' ? (JSON.parse(facts) as WindowFacts) : null,
    processes: typeof processes === 'string' ? processes : null,
  };
}
