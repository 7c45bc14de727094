/** Windows as the points of charts. Pure. */
import type { Column } from '../lib/grid.ts';
import { type Unit, unitOf, type Windows } from './figures.ts';

export interface WindowColumns {
  /** When a window ended: then its values were judged. */
  readonly times: readonly number[];
  /** Of each figure asked for. */
  readonly columns: readonly Column[];
  readonly stepMs: number;
}

const stepMsDefault = 10_000;

/** A step without a window gets a point without a value, so that the line may break there. */
export function columnsOf(windows: Windows, figures: readonly string[]): WindowColumns {
  const stepMs = stepOf(windows);
  const times: number[] = [];
  const columns = figures.map((): (number | null)[] => []);
  for (const { end, values } of windows) {
    const before = times.at(-1);
    if (before !== undefined && end - before > stepMs) {
      times.push(before + stepMs);
      for (const column of columns) column.push(null);
    }
    times.push(end);
    columns.forEach((column, i) => column.push(values[figures[i] ?? ''] ?? null));
  }
  return { times, columns, stepMs };
}

/** Windows begin at equal distances: the smallest one seen is theirs. */
function stepOf(windows: Windows): number {
  let stepMs = Number.POSITIVE_INFINITY;
  for (let i = 1; i < windows.length; i += 1) {
    const apart = (windows[i]?.end ?? 0) - (windows[i - 1]?.end ?? 0);
    if (apart > 0) stepMs = Math.min(stepMs, apart);
  }
  return Number.isFinite(stepMs) ? stepMs : stepMsDefault;
}

/** One chart for each unit: percents and rates have no scale in common. */
export function byUnit(figures: readonly string[]): ReadonlyMap<Unit, readonly string[]> {
  return Map.groupBy(figures, unitOf);
}
