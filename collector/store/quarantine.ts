/** Reads what was put aside because it has no valid form. */
import type { DatabaseSync } from 'node:sqlite';
import type { QuarantineRow } from './group.ts';
import type { Span } from './queries.ts';

export interface StoredQuarantine extends QuarantineRow {
  readonly id: number;
}

/** What came within the span, the oldest first. */
export function* storedQuarantine(
  db: DatabaseSync,
  { fromMs, toMs }: Span,
): Generator<StoredQuarantine> {
  const statement = db.prepare(
    'SELECT * FROM quarantine WHERE at_ms >= ? AND at_ms < ? ORDER BY id',
  );
  for (const row of statement.iterate(fromMs, toMs)) yield toQuarantine(row);
}

/** The newest first, and how many are kept in all. */
export function newestQuarantine(
  db: DatabaseSync,
  countMax: number,
): { readonly kept: number; readonly newest: readonly StoredQuarantine[] } {
  const kept = Number(db.prepare('SELECT count(*) AS n FROM quarantine').get()?.['n']);
  const rows = db.prepare('SELECT * FROM quarantine ORDER BY id DESC LIMIT ?').all(countMax);
  return { kept, newest: rows.map(toQuarantine) };
}

/** Rises with each that is put aside; 0 before the first. */
export function quarantineMark(db: DatabaseSync): number {
  return Number(db.prepare('SELECT max(id) AS mark FROM quarantine').get()?.['mark'] ?? 0);
}

function toQuarantine(row: Record<string, unknown>): StoredQuarantine {
  const { topic } = row;
  return {
    id: Number(row['id']),
    atMs: Number(row['at_ms']),
    remote: String(row['remote']),
    topic: typeof topic === 'string' ? topic : null,
    reason: String(row['reason']),
    body: String(row['body']),
  };
}
