/** The newest top processes of each server, so that an alert says at once what is behind it. */
import type { Processes, ProcessRow } from '../../wire/records/sample.ts';

const rowsMax = 3;
const nameCharsMax = 64;

export type ProcessOrder = 'cpu' | 'memory';

type Top = Readonly<Record<ProcessOrder, string>>;

export class NewestProcesses {
  readonly #bySource = new Map<number, Top>();

  note(sourceNo: number, { by_cpu: byCpu, by_mem: byMem }: Processes): void {
    this.#bySource.set(sourceNo, {
      cpu: listed(byCpu, ({ cpu_pct: pct }) => `${rounded(pct)} % of a core`),
      memory: listed(byMem, ({ mem_pct: pct }) => `${rounded(pct)} % of memory`),
    });
  }

  /** `firefox (181.2 % of a core), node (12 % of a core)`; null when not known. */
  top(sourceNo: number, order: ProcessOrder): string | null {
    return this.#bySource.get(sourceNo)?.[order] || null;
  }

  forget(sourceNo: number): void {
    this.#bySource.delete(sourceNo);
  }
}

function listed(rows: readonly ProcessRow[], share: (row: ProcessRow) => string): string {
  return rows
    .slice(0, rowsMax)
    .map((row) => `${row.name.slice(0, nameCharsMax)} (${share(row)})`)
    .join(', ');
}

function rounded(pct: number): string {
  return String(Math.round(pct * 10) / 10);
}
