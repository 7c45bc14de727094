import { describe, expect, it } from 'vitest';
import { type EngineOptions, WindowEngine } from './engine.ts';
import { paneRowsMax } from './pane.ts';
import type { ServerWindow } from './window.ts';

const hourMs = 3_600_000;
const options: EngineOptions = {
  windowMs: 30_000,
  slideMs: 10_000,
  latenessMs: 5_000,
  paneRetentionMs: 24 * hourMs,
  metricCount: 1,
};

/** One live source, its times in seconds, and what came out: `start-end` in seconds, `?` = not final. */
class Script {
  readonly windows: ServerWindow[] = [];
  readonly engine: WindowEngine;
  #read = 0;

  constructor(replayed = false, changed: Partial<EngineOptions> = {}) {
    this.engine = new WindowEngine({ ...options, ...changed }, (window) =>
      this.windows.push(window),
    );
    this.engine.open(0, { originMs: 0, replayed });
  }

  add(second: number, value = second, lane = 0): string {
    return this.engine.add(0, second * 1000, [value], lane);
  }

  /** A batch of one sample a second through `to`. */
  send(from: number, to: number, pendingFrom?: number): void {
    for (let second = from; second <= to; second++) this.add(second);
    this.advance(pendingFrom);
  }

  advance(pendingFrom = Infinity, now = Infinity, ahead = 0): void {
    this.engine.advance(0, pendingFrom * 1000, { nowMs: now * 1000, aheadMs: ahead * 1000 });
  }

  /** The windows since the last look. */
  new(): string[] {
    const fresh = this.windows.slice(this.#read);
    this.#read = this.windows.length;
    return fresh.map(({ startMs, endMs, final, incomplete, warmUp }) => {
      const flags = `${final ? '' : '?'}${incomplete ? ' incomplete' : ''}${warmUp ? ' warm-up' : ''}`;
      return `${startMs / 1000}-${endMs / 1000}${flags}`;
    });
  }
}

/** The first window of a source whose samples have these values, all at one time. */
function windowOf(values: readonly number[]): ServerWindow {
  const source = new Script(true);
  for (const value of values) source.add(5, value);
  source.engine.finish(0);
  return source.windows[0]!;
}

describe('the watermark', () => {
  it('makes a window final when a sample is its end plus the lateness, not before', () => {
    const source = new Script();
    source.send(100, 134);
    expect(source.new()).toEqual(['80-110 warm-up', '90-120 warm-up']);
    source.send(135, 135);
    expect(source.new()).toEqual(['100-130']);
  });

  it('keeps a late sample out of final windows and in those that are not', () => {
    const source = new Script();
    source.send(100, 135);
    const [before] = source.windows;
    const bytes = JSON.stringify(before);
    expect(source.add(129)).toBe('late');
    expect(source.add(99, 1e6)).toBe('late');
    expect(source.add(130)).toBe('counted');
    source.send(136, 155);
    expect(JSON.stringify(before)).toBe(bytes);
    const counts = source.windows.map(({ startMs, samples }) => [startMs / 1000, samples]);
    expect(counts).toEqual([
      [80, 10],
      [90, 20],
      [100, 30],
      [110, 32],
      [120, 32],
    ]);
  });

  it('waits for the slowest of the lanes that were seen', () => {
    const source = new Script(true);
    source.add(100, 1, 0);
    source.add(100, 1, 3);
    source.add(200, 1, 0);
    source.advance();
    expect(source.new()).toEqual([]);
    source.add(140, 1, 3);
    source.advance();
    expect(source.new()).toEqual(['80-110 warm-up', '90-120 warm-up', '100-130']);
  });

  it('does not follow a clock that jumps ahead, so that what comes after it is not late', () => {
    const source = new Script();
    source.send(100, 120);
    source.add(100 + 3600);
    source.advance(undefined, 121);
    expect(source.add(121)).toBe('counted');
    source.add(136);
    source.advance(undefined, 136);
    expect(source.new()).toEqual(['80-110 warm-up', '90-120 warm-up', '100-130']);
  });

  it('shows the windows of a clock that is known to be ahead, and makes none of them final', () => {
    const source = new Script();
    for (let second = 3_700; second <= 3_740; second += 1) source.add(second);
    source.advance(undefined, 140, 3_600);
    expect(source.new()).toEqual(['3680-3710? warm-up', '3690-3720? warm-up', '3700-3730?']);
    // The clock is put right: what comes is neither late nor shown before it is whole.
    for (let second = 141; second <= 176; second += 1) {
      expect(source.add(second)).toBe('counted');
      source.advance(undefined, second, 0);
    }
    expect(source.new()).toEqual(['120-150 warm-up', '130-160 warm-up', '140-170']);
    expect(source.windows.at(-1)?.samples).toBe(29);
  });

  it('follows only event time when the source is replayed', () => {
    const source = new Script(true);
    source.add(100);
    source.add(200);
    source.advance(undefined, 0);
    expect(source.new()).toEqual(['80-110 warm-up', '90-120 warm-up', '100-130']);
  });

  it('crosses a gap of a hundred years without a step for each slide of it', () => {
    const source = new Script(true);
    source.add(0);
    source.add(100 * 365 * 86_400);
    source.advance();
    expect(source.new()).toHaveLength(3);
    expect(source.engine.stats().panes).toBe(1);
  });
});

describe('what is pending', () => {
  it('makes windows after it provisional, once, and final when it has come', () => {
    const source = new Script();
    source.send(100, 135, 125);
    expect(source.new()).toEqual(['80-110 warm-up', '90-120 warm-up', '100-130?']);
    source.send(136, 145, 125);
    expect(source.new()).toEqual(['110-140?']);
    source.send(125, 126);
    expect(source.new()).toEqual(['100-130', '110-140']);
    expect(source.windows.at(-2)?.samples).toBe(32);
    expect(source.engine.stats().provisionalWindows).toBe(0);
  });

  it('shows a backlog that comes newest first behind the live samples, then makes it final', () => {
    const source = new Script();
    source.send(300, 335, 100);
    expect(source.new()).toEqual(['280-310? warm-up', '290-320? warm-up', '300-330?']);
    source.send(150, 159, 100);
    // Until something is final, the first pane is the earliest one known.
    expect(source.new()).toEqual(['130-160? warm-up', '140-170? warm-up', '150-180?']);
    source.send(100, 109);
    expect(source.new()).toEqual([
      '80-110 warm-up',
      '90-120 warm-up',
      '100-130',
      '130-160',
      '140-170',
      '150-180',
      '280-310',
      '290-320',
      '300-330',
    ]);
  });

  it('is not waited for beyond the retention: what is forced is final and incomplete', () => {
    const source = new Script(false, { paneRetentionMs: 60_000 });
    source.send(100, 175, 105);
    expect(source.new().filter((text) => !text.includes('?'))).toEqual([
      '80-110 incomplete warm-up',
    ]);
    expect(source.add(105)).toBe('late');
    source.send(176, 400, 105);
    expect(source.engine.stats().panes).toBeLessThanOrEqual(60 / 10 + 3);
    const forced = source.windows.filter(({ final }) => final);
    expect(forced.every(({ incomplete }) => incomplete)).toBe(true);
    expect(forced.at(-1)?.endMs).toBe(340_000);
  });
});

describe('closeIdle', () => {
  it('shows the windows still open, twice called once, and they become final as if never shown', () => {
    const source = new Script();
    source.send(100, 112);
    source.engine.closeIdle(0);
    source.engine.closeIdle(0);
    const shown = ['80-110? warm-up', '90-120? warm-up', '100-130?', '110-140?'];
    expect(source.new()).toEqual(shown);
    // Started again three seconds later.
    expect(source.add(115)).toBe('counted');
    source.send(116, 145);
    const final = ['80-110 warm-up', '90-120 warm-up', '100-130', '110-140'];
    expect(source.new()).toEqual(final);
    expect(source.windows.at(-2)?.samples).toBe(28);
  });
});

describe('closePassed', () => {
  it('makes final what has ended by the lateness before, and leaves a later sample its windows', () => {
    const source = new Script();
    source.send(100, 112);
    source.engine.closePassed(0, 134_999);
    expect(source.new()).toEqual(['80-110 warm-up', '90-120 warm-up']);
    expect(source.add(125)).toBe('counted');
    source.engine.closePassed(0, 135_000);
    expect(source.new()).toEqual(['100-130']);
    expect(source.windows.at(-1)?.samples).toBe(14);
  });

  it('leaves open what has no samples, so that a clock set back makes nothing late', () => {
    const source = new Script();
    source.send(100, 112);
    source.engine.closePassed(0, 24 * hourMs);
    expect(source.new()).toHaveLength(4);
    expect(source.engine.stats()).toMatchObject({ panes: 0 });
    expect(source.engine.closedThroughMs(0)).toBe(140_000);
    source.engine.closePassed(0, 25 * hourMs);
    expect(source.add(140)).toBe('counted');
  });

  it('leaves open what samples are pending for', () => {
    const source = new Script();
    source.send(100, 112, 95);
    source.engine.closePassed(0, 24 * hourMs, 119_000);
    expect(source.new().filter((window) => !window.includes('?'))).toEqual(['80-110 warm-up']);
  });
});

describe('finish', () => {
  it('makes the trailing windows final, and a second time nothing', () => {
    const source = new Script(true);
    source.send(100, 112);
    source.engine.finish(0);
    source.engine.finish(0);
    expect(source.new()).toEqual(['80-110 warm-up', '90-120 warm-up', '100-130', '110-140']);
    expect(source.engine.stats()).toMatchObject({ panes: 0 });
    expect(source.engine.closedThroughMs(0)).toBe(140_000);
  });
});

describe('a restored source', () => {
  it('emits nothing of what was final, not even as provisional', () => {
    const first = new Script();
    first.send(100, 135);
    const checkpoint = first.engine.checkpoint(0);
    expect(checkpoint).toEqual({
      closedThroughMs: 130_000,
      firstPaneMs: 100_000,
      newestMsByLane: [135_000, null, null, null],
    });
    const second = new Script();
    second.engine.open(1, { originMs: 0, replayed: false, restored: checkpoint });
    expect(second.engine.restoreFromMs(1)).toBe(110_000);
    for (let s = 110; s <= 135; s++) second.engine.restoreSample(1, s * 1000, [s]);
    second.engine.advance(1, 131_000);
    second.engine.closeIdle(1);
    expect(second.new()).toEqual(['110-140?', '120-150?', '130-160?']);
  });
});

describe('bounds', () => {
  it('gives up quantiles, not sums, of a pane with more rows than are kept, in any order', () => {
    const values = Array.from({ length: 2 * paneRowsMax + 2 }, (_, i) => (i * 7919) % 10_007);
    const full = windowOf(values.slice(0, paneRowsMax)).aggregates[0];
    expect(full?.p50).toBe(values.slice(0, paneRowsMax).sort((a, b) => a - b)[paneRowsMax / 2 - 1]);
    const window = windowOf(values);
    const sum = values.reduce((a, b) => a + b, 0);
    expect(window.samples).toBe(values.length);
    expect(window.aggregates[0]).toEqual({
      count: values.length,
      sum,
      min: Math.min(...values),
      max: Math.max(...values),
      avg: sum / values.length,
      last: Math.max(...values),
      p50: null,
      p95: null,
      p99: null,
    });
    expect(windowOf(values.toReversed())).toEqual(window);
  });

  it('uses panes again without a trace of what was in them', () => {
    const source = new Script(true);
    for (let i = 0; i <= paneRowsMax; i++) source.add(5, 1e9);
    for (let second = 100; second <= 400; second++) source.send(second, second);
    expect(source.windows.at(-1)?.aggregates[0]).toMatchObject({ count: 30, max: 389, p50: 374 });
    expect(source.engine.stats().panes + source.engine.stats().pooledPanes).toBeLessThan(20);
  });

  it('frees a source that is removed, and its number can be used again', () => {
    const source = new Script();
    source.send(100, 112);
    source.engine.remove(0);
    expect(source.engine.stats()).toMatchObject({ sources: 0, panes: 0 });
    source.engine.open(0, { originMs: 0, replayed: true });
    source.send(200, 200);
    source.engine.finish(0);
    expect(source.windows.map(({ samples }) => samples)).toEqual([1, 1, 1]);
  });

  it.each([
    [{ windowMs: 25_000 }, 'a window is a whole number of slides'],
    [{ slideMs: 0 }, 'the slide is a whole number of ms'],
    [{ latenessMs: -1 }, 'lateness is not negative'],
    [{ paneRetentionMs: 30_000 }, 'panes outlive a window and the lateness'],
    [{ metricCount: 0 }, 'there is at least one metric'],
  ])('refuses options that break a relation: %j', (changed, sentence) => {
    expect(() => new Script(false, changed)).toThrow(sentence);
  });

  it('refuses a source that is not open, one that is open already, and a time that is none', () => {
    const { engine } = new Script();
    expect(() => engine.add(1, 0, [0])).toThrow('the source is open');
    expect(() => engine.open(0, { originMs: 0, replayed: true })).toThrow('is not open yet');
    engine.add(0, 0, [0]);
    expect(() => engine.add(0, Number.NaN, [0])).toThrow('a time is in whole ms');
    expect(engine.checkpoint(0).newestMsByLane[0]).toBe(0);
    expect(() => engine.add(0, 0, [0], 4)).toThrow('the lane is one of lanesMax');
  });
});
