/** Reports out of windows: pure. A row's cells stand in the order of the definition's columns. */
import { METRICS } from '../../wire/metrics.ts';
import { roundHalfUp, shortestText } from '../windows/rounding.ts';
import type { ServerWindow } from '../windows/window.ts';
import type { ReportColumn, ReportDefinition } from './definition.ts';

/** A text, a rounded number, or null where the window does not have the metric. */
export type Cell = string | number | null;

export interface ReportWindow {
  readonly serverId: string;
  /** Its aggregates are in the order of METRICS. */
  readonly window: Pick<ServerWindow, 'startMs' | 'endMs' | 'aggregates' | 'warmUp'>;
}

/** The rows, by the server's name as text (its code units), then by the window's start. */
export function reportRows(
  definition: ReportDefinition,
  windows: readonly ReportWindow[],
): Cell[][] {
  const sorted = windows.toSorted(
    (a, b) => compare(a.serverId, b.serverId) || compare(a.window.startMs, b.window.startMs),
  );
  return [...orderedRows(definition, sorted)];
}

/** The rows of windows that come in their order already, one at a time. */
export function* orderedRows(
  definition: ReportDefinition,
  windows: Iterable<ReportWindow>,
): Generator<Cell[]> {
  for (const window of windows) {
    if (definition.warm_up === 'leave_out' && window.window.warmUp) continue;
    yield reportRow(definition, window);
  }
}

function compare<T extends string | number>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function reportRow(definition: ReportDefinition, window: ReportWindow): Cell[] {
  const values = new Map<string, number | null>();
  for (const column of definition.columns) {
    if ('metric' in column) values.set(column.header, valueOf(column, window));
  }
  return definition.columns.map((column) => {
    if ('metric' in column) return values.get(column.header) ?? null;
    switch (column.from) {
      case 'server_id':
        return window.serverId;
      case 'window_start':
        return timeOfDay(window.window.startMs);
      case 'window_end':
        return timeOfDay(window.window.endMs);
      case 'label':
        return labelOf(definition, values);
    }
  });
}

function valueOf(
  column: Extract<ReportColumn, { metric: string }>,
  { window }: ReportWindow,
): number | null {
  const value = window.aggregates[METRICS.indexOf(column.metric)]?.[column.aggregate] ?? null;
  return value === null ? null : roundHalfUp(value, column.decimals);
}

/** A value that the window does not have is not at least anything. */
function labelOf({ labels }: ReportDefinition, values: ReadonlyMap<string, number | null>): string {
  const found = labels.find(({ when }) =>
    when.every(({ column, at_least }) => (values.get(column) ?? -Infinity) >= at_least),
  );
  return found?.label ?? '';
}

function timeOfDay(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

/** The header and the rows as lines of CSV (RFC 4180 quoting), each with its LF. */
export function* csvLines(
  definition: ReportDefinition,
  rows: Iterable<readonly Cell[]>,
): Generator<string> {
  yield csvLine(definition.columns.map(({ header }) => header));
  for (const row of rows) yield csvLine(row);
}

/** One line of CSV, with its LF. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\n`;
}

function csvCell(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return shortestText(cell);
  // A spreadsheet runs a text that begins like a formula, and a server chooses its own name.
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The rows as objects by the columns' headers, texts as they are. */
export function* jsonRows(
  definition: ReportDefinition,
  rows: Iterable<readonly Cell[]>,
): Generator<Record<string, Cell>> {
  for (const row of rows) {
    yield Object.fromEntries(definition.columns.map(({ header }, i) => [header, row[i] ?? null]));
  }
}
