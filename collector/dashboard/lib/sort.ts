/** Order of a table's rows by one column. */
import { compareNames } from './servers.ts';

export type Cell = number | string | null;

export interface Order {
  readonly column: string;
  readonly descending: boolean;
}

/** `-cpu` ↔ {column: 'cpu', descending: true}. */
export function parseOrder(text: string, fallback: string): Order {
  const column = text.replace(/^-/, '');
  return { column: column === '' ? fallback : column, descending: text.startsWith('-') };
}

export function formatOrder(order: Order): string {
  return `${order.descending ? '-' : ''}${order.column}`;
}

/**
 * What a click on a column's title asks for: the other direction of the column that rules already;
 * otherwise the end of it that is looked for first, which is the largest number or the first name.
 */
export function nextOrder(current: Order, column: string, textual: boolean): Order {
  if (current.column === column) return { column, descending: !current.descending };
  return { column, descending: !textual };
}

/** Unavailable cells come last in both directions; equal ones keep the order they had. */
export function sortRows<Row>(
  rows: readonly Row[],
  cellOf: (row: Row) => Cell,
  descending: boolean,
): Row[] {
  const sign = descending ? -1 : 1;
  return rows
    .map((row) => ({ row, cell: cellOf(row) }))
    .sort((one, other) => {
      if (one.cell === null || other.cell === null) {
        return Number(one.cell === null) - Number(other.cell === null);
      }
      return sign * compareCells(one.cell, other.cell);
    })
    .map(({ row }) => row);
}

function compareCells(one: number | string, other: number | string): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return compareNames(String(one), String(other));
}
