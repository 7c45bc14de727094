import type uPlot from 'uplot';
import type { Column } from '../lib/grid.ts';

/** Copies: uPlot keeps what it gets until the next drawing, and the grid goes on changing. */
export function aligned(times: readonly number[], columns: readonly Column[]): uPlot.AlignedData {
  return [times.slice(), ...columns.map((column) => column.slice())];
}
