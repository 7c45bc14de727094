/** What the page and the exports read. All of it runs on a connection that cannot write. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { windowMsMax } from '../../wire/limits.ts';
import { METRICS } from '../../wire/metrics.ts';
import { unpackAggregates } from './aggregates.ts';

export interface Bucket {
  /** Start of the step, ms since the epoch. */
  readonly ts: number;
  /** Means over the step in METRICS order; null where there was none. */
  readonly means: readonly (number | null)[];
  /** Maxima over the step in METRICS order. */
  readonly maxima: readonly (number | null)[];
}

/** Lines of a server's charts that come from the details, and where in a detail they stand. */
export const DETAIL_LINES = {
  cpu_user: '$.cpu.user',
  cpu_system: '$.cpu.system',
  cpu_iowait: '$.cpu.iowait',
  cpu_steal: '$.cpu.steal',
  load1: '$.load1',
  swap_used: '$.swap_used',
  disk_read: '$.disk_read',
  disk_write: '$.disk_write',
} as const;

export type DetailLine = keyof typeof DETAIL_LINES;

/** Means over one step; null where no detail has the line. */
export type DetailBucket = { readonly ts: number } & Readonly<Record<DetailLine, number | null>>;

/** A window, at one point of a chart. */
export interface WindowBucket extends Bucket {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface StoredDetail {
  readonly ts: number;
  readonly body: string;
}

const means = METRICS.map((metric) => `avg(${metric}) AS mean_${metric}`).join(', ');
const maxima = METRICS.map((metric) => `max(${metric}) AS max_${metric}`).join(', ');

const LINES = Object.keys(DETAIL_LINES) as DetailLine[];
const detailMeans = LINES.map(
  (line) => `avg(json_extract(body, '${DETAIL_LINES[line]}')) AS ${line}`,
).join(', ');

/** Which step a time is in. A JavaScript number arrives as a REAL, by which SQLite would divide exactly. */
const stepOf = 'ts / CAST(? AS INTEGER)';

export class Queries {
  readonly #buckets: StatementSync;
  readonly #summary: StatementSync;
  readonly #windows: StatementSync;
  readonly #details: StatementSync;
  readonly #newestDetail: StatementSync;
  readonly #newestProcesses: StatementSync;
  readonly #newestSample: StatementSync;
  readonly #inventory: StatementSync;

  constructor(db: DatabaseSync) {
    this.#buckets = db.prepare(
      `SELECT ${stepOf} * CAST(? AS INTEGER) AS step, ${means}, ${maxima} FROM samples
       WHERE source_no = ? AND ts >= ? AND ts < ? GROUP BY step ORDER BY step`,
    );
    this.#summary = db.prepare(
      `SELECT ${means}, ${maxima} FROM samples WHERE source_no = ? AND ts >= ? AND ts < ?`,
    );
    this.#windows = db.prepare(
      `SELECT start_ms, end_ms, figures, aggregates FROM windows
       WHERE source_no = ? AND start_ms >= ? AND end_ms > ? AND end_ms <= ? ORDER BY start_ms`,
    );
    this.#details = db.prepare(
      `SELECT ${stepOf} * CAST(? AS INTEGER) AS step, ${detailMeans} FROM details
       WHERE source_no = ? AND ts >= ? AND ts < ? GROUP BY step ORDER BY step`,
    );
    this.#newestDetail = db.prepare(
      'SELECT ts, body FROM details WHERE source_no = ? ORDER BY ts DESC LIMIT 1',
    );
    this.#newestProcesses = db.prepare(
      `SELECT ts, body FROM details WHERE source_no = ? AND ts >= ?
       AND json_extract(body, '$.processes') IS NOT NULL ORDER BY ts DESC LIMIT 1`,
    );
    this.#newestSample = db.prepare(
      `SELECT s.*, b.boot_id FROM samples s LEFT JOIN boots b USING (boot_no)
       WHERE s.source_no = ? ORDER BY s.ts DESC LIMIT 1`,
    );
    this.#inventory = db.prepare('SELECT body FROM inventories WHERE source_no = ?');
  }

  /** One server's samples as means and maxima over steps. */
  buckets(sourceNo: number, { fromMs, toMs }: Span, stepMs: number): Bucket[] {
    return this.#buckets.all(stepMs, stepMs, sourceNo, fromMs, toMs).map((row) => ({
      ts: Number(row['step']),
      means: METRICS.map((metric) => numberOrNull(row[`mean_${metric}`])),
      maxima: METRICS.map((metric) => numberOrNull(row[`max_${metric}`])),
    }));
  }

  /** One server's windows that end within the span, each at the step that holds its end. */
  windows(sourceNo: number, { fromMs, toMs }: Span, stepMs: number): WindowBucket[] {
    const earliestMs = fromMs - windowMsMax;
    return this.#windows.all(sourceNo, earliestMs, fromMs, toMs).map((row) => {
      const aggregates = unpackAggregates(row);
      return {
        ts: Math.floor((Number(row['end_ms']) - 1) / stepMs) * stepMs,
        startMs: Number(row['start_ms']),
        endMs: Number(row['end_ms']),
        means: METRICS.map((_, i) => aggregates[i]?.avg ?? null),
        maxima: METRICS.map((_, i) => aggregates[i]?.max ?? null),
      };
    });
  }

  /** One server's details as means over steps. */
  detailBuckets(sourceNo: number, { fromMs, toMs }: Span, stepMs: number): DetailBucket[] {
    return this.#details.all(stepMs, stepMs, sourceNo, fromMs, toMs).map((row) => {
      const lines = LINES.map((line) => [line, numberOrNull(row[line])] as const);
      return Object.fromEntries([['ts', Number(row['step'])], ...lines]) as DetailBucket;
    });
  }

  /** Mean and maximum of each metric over the span, in METRICS order. */
  summary(sourceNo: number, { fromMs, toMs }: Span): Omit<Bucket, 'ts'> {
    const row = this.#summary.get(sourceNo, fromMs, toMs) ?? {};
    return {
      means: METRICS.map((metric) => numberOrNull(row[`mean_${metric}`])),
      maxima: METRICS.map((metric) => numberOrNull(row[`max_${metric}`])),
    };
  }

  newestDetail(sourceNo: number): StoredDetail | undefined {
    const row = this.#newestDetail.get(sourceNo);
    return row === undefined ? undefined : toDetail(row);
  }

  /** The newest top processes, not older than `fromMs`. */
  newestProcesses(sourceNo: number, fromMs: number): StoredDetail | undefined {
    const row = this.#newestProcesses.get(sourceNo, fromMs);
    return row === undefined ? undefined : toDetail(row);
  }

  newestSample(sourceNo: number) {
    const row = this.#newestSample.get(sourceNo);
    if (row === undefined) return undefined;
    return {
      tsMs: Number(row['ts']),
      seq: Number(row['seq'] ?? 0),
      bootId: String(row['boot_id'] ?? ''),
      values: METRICS.map((metric) => numberOrNull(row[metric])),
    };
  }

  /** JSON of the Inventory. */
  inventory(sourceNo: number): string | undefined {
    const body = this.#inventory.get(sourceNo)?.['body'];
    return typeof body === 'string' ? body : undefined;
  }
}

function toDetail(row: Record<string, unknown>): StoredDetail {
  return { ts: Number(row['ts']), body: String(row['body']) };
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
