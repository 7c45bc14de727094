import { expect, it } from 'vitest';
import { METRICS } from '../../wire/metrics.ts';
import { cellsOfSample, SampleRows } from './sample-rows.ts';
import { sampleRow } from './testing/rows.ts';

function cellsOf(rows: SampleRows): (number | null)[][] {
  return Array.from({ length: rows.length }, (_, row) => {
    const cells = Array.from<number | null>({ length: cellsOfSample });
    rows.fill(cells, 0, row);
    return cells;
  });
}

it('what was cleared is gone, and what comes next is whole, in room that is used again', () => {
  const rows = new SampleRows();
  const none = METRICS.map(() => Number.NaN);
  for (let i = 0; i < 600; i += 1) rows.push(sampleRow({ tsMs: i, seq: i, bootNo: 9 }));
  rows.clear();
  expect([rows.length, [...rows.sourceNumbers()].length]).toEqual([0, 0]);
  expect([...rows.bySource()]).toEqual([]);

  for (let i = 0; i < 300; i += 1) rows.push(sampleRow({ sourceNo: i, tsMs: i, values: none }));
  const nulls = [null, null, ...METRICS.map(() => null)];
  expect(cellsOf(rows)).toEqual(Array.from({ length: 300 }, (_, i) => [i, i, ...nulls]));
  expect([...rows.sourceNumbers()]).toEqual(Array.from({ length: 300 }, (_, i) => i));
});

it('rows are stored source by source, those of each as they came', () => {
  const rows = new SampleRows();
  const sources = Array.from({ length: 600 }, (_, i) => (i * 7) % 13);
  sources.forEach((sourceNo, i) => {
    rows.push(sampleRow({ sourceNo, tsMs: 1_000 - i }));
  });
  const inOrder = sources
    .map((sourceNo, i) => ({ sourceNo, i }))
    .sort((a, b) => a.sourceNo - b.sourceNo || a.i - b.i);
  expect([...rows.bySource()]).toEqual(inOrder.map(({ i }) => i));
});

it('another thread reads the same rows, and no room beyond them', () => {
  const rows = new SampleRows();
  for (let i = 0; i < 600; i += 1) rows.push(sampleRow({ tsMs: i, seq: i }));
  rows.clear();
  for (let i = 0; i < 300; i += 1) rows.push(sampleRow({ tsMs: -i, sourceNo: i % 7 }));
  const { shared } = rows;
  const theirs = new SampleRows(structuredClone(shared));
  expect([theirs.length, shared.chunks.length]).toEqual([300, 2]);
  expect(cellsOf(theirs)).toEqual(cellsOf(rows));
  expect(theirs.bySource()).toEqual(rows.bySource());
});
