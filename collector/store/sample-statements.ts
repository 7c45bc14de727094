/** Writes samples, inside the transaction that the caller has begun. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { cellsOfSample, type SampleRows } from './sample-rows.ts';

/** Samples of one statement: calling SQLite costs as much as what it then does with a row. */
const rowsAtOnce = 16;

/** The rowid of the newest that counts: those behind it were written ahead of a commit that is still to come. */
export const NEWEST_SAMPLE =
  'SELECT ifnull((SELECT behind_rowid FROM samples_ahead), (SELECT ifnull(max(rowid), 0) FROM samples))';

export class SampleStatements {
  readonly #one: StatementSync;
  readonly #several: StatementSync;

  constructor(db: DatabaseSync) {
    const cells = `(${Array(cellsOfSample).fill('?').join()})`;
    this.#one = db.prepare(`INSERT INTO samples VALUES ${cells}`);
    this.#several = db.prepare(
      `INSERT INTO samples VALUES ${Array(rowsAtOnce).fill(cells).join()}`,
    );
  }

  /** Source by source: each has its place in the index, and going back and forth is dear. */
  write(samples: SampleRows): void {
    const rows = samples.bySource();
    const wholeRows = samples.length - (samples.length % rowsAtOnce);
    const cells = Array.from<number | null>({ length: rowsAtOnce * cellsOfSample });
    for (let at = 0; at < wholeRows; at += rowsAtOnce) {
      for (let i = 0; i < rowsAtOnce; i += 1) samples.fill(cells, i * cellsOfSample, rows[at + i]!);
      this.#several.run(...cells);
    }
    const one = Array.from<number | null>({ length: cellsOfSample });
    for (let at = wholeRows; at < samples.length; at += 1) {
      samples.fill(one, 0, rows[at]!);
      this.#one.run(...one);
    }
  }
}
