/** What the page and the exports read. All of it runs on a connection that cannot write. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { METRICS } from '../../wire/metrics.ts';

export interface Bucket {
  /** Start of the step, ms since the epoch. */
  readonly ts: number;
  /** Means over the step in METRICS order; null where there was none. */
  readonly means: readonly (number | null)[];
  /** Maxima over the step in METRICS order. */
  readonly maxima: readonly (number | null)[];
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

export class Queries {
  readonly #buckets: StatementSync;
  readonly #details: StatementSync;
  readonly #newestDetail: StatementSync;
  readonly #newestProcesses: StatementSync;
  readonly #newestSample: StatementSync;
  readonly #inventory: StatementSync;

  constructor(db: DatabaseSync) {
    this.#buckets = db.prepare(
      `SELECT ts / ? * ? AS step, ${means}, ${maxima} FROM samples
       WHERE source_no = ? AND ts >= ? AND ts < ? GROUP BY step ORDER BY step`,
    );
    this.#details = db.prepare(
      `SELECT max(ts) AS ts, body FROM details
       WHERE source_no = ? AND ts >= ? AND ts < ? GROUP BY ts / ? ORDER BY ts`,
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

  /** The newest detail of each step. */
  details(sourceNo: number, { fromMs, toMs }: Span, stepMs: number): StoredDetail[] {
    return this.#details.all(sourceNo, fromMs, toMs, stepMs).map(toDetail);
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
