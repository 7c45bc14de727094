/** What `bench windows` compares, and the samples that it feeds to each. */
import { WindowEngine } from '../collector/windows/engine.ts';
import type { ServerWindow } from '../collector/windows/window.ts';
import { NaiveWindows } from './windows-naive.ts';

const metricCount = 4;
const startMs = Date.UTC(2026, 0, 1);
const valueRows = 4096;

export interface Contender {
  add(source: number, tsMs: number, values: Float64Array): void;
  advance(source: number, nowMs: number): void;
}

export interface Setup {
  readonly servers: number;
  readonly slideMs: number;
}

type Emit = (window: ServerWindow) => void;

export const CONTENDERS = { engine, naive } as const;

function engine(setup: Setup, emit: Emit): Contender {
  const made = new WindowEngine(
    {
      windowMs: 30_000,
      slideMs: setup.slideMs,
      latenessMs: 5_000,
      paneRetentionMs: 86_400_000,
      metricCount,
    },
    emit,
  );
  for (let source = 0; source < setup.servers; source++) {
    made.open(source, { originMs: 0, replayed: false });
  }
  return {
    add: (source, tsMs, values) => made.add(source, tsMs, values),
    advance: (source, nowMs) => made.advance(source, Infinity, { nowMs, aheadMs: 0 }),
  };
}

function naive({ slideMs }: Setup, emit: Emit): Contender {
  return new NaiveWindows({ windowMs: 30_000, slideMs, latenessMs: 5_000, metricCount }, emit);
}

/** Values with every bit in use, so that sums have something to round. */
function makeValues(): Float64Array[] {
  return Array.from({ length: valueRows }, (_, i) =>
    Float64Array.from({ length: metricCount }, (_, j) => ((i * 7919 + j * 104_729) % 10_007) / 97),
  );
}

/** Feeds seconds [from, to) of all servers. */
export function feed(
  contender: Contender,
  servers: number,
  span: { from: number; to: number },
): void {
  const values = makeValues();
  let row = 0;
  for (let second = span.from; second < span.to; second++) {
    const tsMs = startMs + second * 1000;
    for (let source = 0; source < servers; source++) {
      row = (row + 1) % valueRows;
      contender.add(source, tsMs, values[row]!);
      contender.advance(source, tsMs + 1000);
    }
  }
}
