import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { type EngineOptions, WindowEngine } from './engine.ts';
import * as arbitrary from './testing/arbitraries.ts';
import { Oracle, type Sample } from './testing/oracle.ts';
import type { ServerWindow } from './window.ts';

function engineWith(options: EngineOptions): { engine: WindowEngine; windows: ServerWindow[] } {
  const windows: ServerWindow[] = [];
  return { engine: new WindowEngine(options, (window) => windows.push(window)), windows };
}

const finals = (windows: readonly ServerWindow[]): ServerWindow[] =>
  windows.filter(({ final }) => final);

/** Every sample in order of time, each a batch of its own, then the end: nothing can go wrong. */
function uninterrupted(options: EngineOptions, originMs: number, samples: readonly Sample[]) {
  const { engine, windows } = engineWith(options);
  engine.open(0, { originMs, replayed: true });
  for (const { tsMs, values } of samples) {
    engine.add(0, tsMs, values);
    engine.advance(0);
  }
  engine.finish(0);
  return windows;
}

type Step =
  | { kind: 'add'; source: number; offset: number; values: number[]; lane: number }
  | { kind: 'advance'; source: number; pending: number | null; clamp: number | null; ahead: number }
  | { kind: 'passed'; source: number; now: number; pending: number | null }
  | { kind: 'idle' | 'finish'; source: number };

const source = fc.integer({ min: 0, max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      source,
      /** In hundredths of a slide, from a clock that runs with the steps. */
      offset: fc.integer({ min: -900, max: 300 }),
      values: arbitrary.values,
      lane: fc.constantFrom(0, 0, 0, 1),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      source,
      pending: fc.option(fc.integer({ min: -900, max: 300 })),
      clamp: fc.option(fc.integer({ min: -200, max: 200 })),
      ahead: fc.nat({ max: 400 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('passed' as const),
      source,
      now: fc.integer({ min: -900, max: 900 }),
      pending: fc.option(fc.integer({ min: -900, max: 300 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('idle', 'finish'), source }) },
);

/** Runs the steps against the engine and the oracle, and says what each sample was. */
function runBoth(options: EngineOptions, origins: readonly number[], steps: readonly Step[]) {
  const { engine, windows } = engineWith(options);
  const oracles = origins.map((originMs, source) => {
    engine.open(source, { originMs, replayed: source === 1 });
    return new Oracle(options, { source, originMs, replayed: source === 1 });
  });
  const added: { late: boolean; expected: boolean }[] = [];
  steps.forEach((step, i) => {
    const oracle = oracles[step.source]!;
    const nowMs = 1_000 + i * Math.ceil(options.slideMs / 3);
    const at = (hundredths: number): number =>
      nowMs + Math.round((hundredths * options.slideMs) / 100);
    if (step.kind === 'add') {
      const sample = { tsMs: at(step.offset), values: step.values };
      const late = engine.add(step.source, sample.tsMs, sample.values, step.lane) === 'late';
      added.push({ late, expected: oracle.add(sample, step.lane) });
    } else if (step.kind === 'advance') {
      const pendingFromMs = step.pending === null ? Infinity : at(step.pending);
      const aheadMs = Math.round((step.ahead * options.slideMs) / 100);
      const clock = { nowMs: step.clamp === null ? Infinity : at(step.clamp), aheadMs };
      engine.advance(step.source, pendingFromMs, clock);
      oracle.advance(pendingFromMs, clock);
    } else if (step.kind === 'passed') {
      const pendingFromMs = step.pending === null ? Infinity : at(step.pending);
      engine.closePassed(step.source, at(step.now), pendingFromMs);
      oracle.closePassed(at(step.now), pendingFromMs);
    } else if (step.kind === 'idle') {
      engine.closeIdle(step.source);
      oracle.closeIdle();
    } else {
      engine.finish(step.source);
      oracle.finish();
    }
  });
  return { windows, oracles, added };
}

describe('WindowEngine', () => {
  it('does what the definition says, whatever comes in whatever order', () => {
    const origins = fc.tuple(fc.integer({ min: -50, max: 5000 }), fc.constantFrom(0, 3, 1003));
    const steps = fc.array(step, { maxLength: 120, size: 'max' });
    fc.assert(
      fc.property(arbitrary.options, origins, steps, (options, origins, steps) => {
        const { windows, oracles, added } = runBoth(options, origins, steps);
        expect(added.filter(({ late, expected }) => late !== expected)).toEqual([]);
        oracles.forEach((oracle, source) => {
          const own = windows.filter((window) => window.source === source);
          expect(own).toEqual(oracle.emitted);
        });
      }),
      { numRuns: 1500 },
    );
  });

  it('gives the same bytes for any order within the lateness, in any batches', () => {
    const input = arbitrary.options.chain((options) =>
      fc.record({
        options: fc.constant({ ...options, paneRetentionMs: 1e9 }),
        originMs: fc.integer({ min: -20, max: 20 }),
        samples: arbitrary.timeline(options.slideMs, 0),
        delays: arbitrary.delays,
        sizes: arbitrary.batchSizes,
      }),
    );
    fc.assert(
      fc.property(input, ({ options, originMs, samples, delays, sizes }) => {
        const { engine, windows } = engineWith(options);
        engine.open(0, { originMs, replayed: true });
        const arrivals = arbitrary.shuffled(samples, delays, options.latenessMs);
        for (const batch of arbitrary.batches(arrivals, sizes)) {
          for (const { tsMs, values } of batch) {
            expect(engine.add(0, tsMs, values)).toBe('counted');
          }
          engine.advance(0);
        }
        engine.finish(0);
        expect(JSON.stringify(windows)).toBe(
          JSON.stringify(uninterrupted(options, originMs, samples)),
        );
      }),
      { numRuns: 800 },
    );
  });

  it('fills an outage from behind as if nothing had happened', () => {
    const input = arbitrary.options.chain((options) =>
      fc.record({
        options: fc.constant({ ...options, paneRetentionMs: 1e9 }),
        samples: arbitrary.timeline(options.slideMs, 1000),
        cuts: fc.tuple(fc.nat(60), fc.nat(60)),
        sizes: arbitrary.batchSizes,
        idle: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(input, ({ options, samples, cuts, sizes, idle }) => {
        const [from, to] = cuts[0] < cuts[1] ? cuts : [cuts[1], cuts[0]];
        const backlog = samples.slice(from, to);
        const { engine, windows } = engineWith(options);
        engine.open(0, { originMs: 0, replayed: false });
        const send = (batch: readonly Sample[], pendingFromMs?: number): void => {
          for (const { tsMs, values } of batch) engine.add(0, tsMs, values);
          engine.advance(0, pendingFromMs);
        };
        for (const sample of samples.slice(0, from)) send([sample]);
        if (idle) engine.closeIdle(0);
        const oldestMs = backlog[0]?.tsMs;
        for (const batch of arbitrary.batches(samples.slice(to), sizes)) send(batch, oldestMs);
        const behind = arbitrary.batches(backlog.toReversed(), sizes);
        behind.forEach((batch, i) => send(batch, i < behind.length - 1 ? oldestMs : undefined));
        if (idle) engine.closeIdle(0);
        engine.advance(0);
        const before = finals(windows).length;
        engine.finish(0);
        const expected = uninterrupted(options, 0, samples);
        expect(finals(windows)).toEqual(expected);
        // Without the end, exactly those are final whose end the watermark has passed.
        const watermarkMs = (samples.at(-1)?.tsMs ?? 0) - options.latenessMs;
        expect(before).toBe(expected.filter(({ endMs }) => endMs <= watermarkMs).length);
      }),
      { numRuns: 800 },
    );
  });

  it('goes on after a crash between any two batches as if it had not happened', () => {
    const input = arbitrary.options.chain((options) =>
      fc.record({
        options: fc.constant(options),
        originMs: fc.integer({ min: -20, max: 20 }),
        samples: arbitrary.timeline(options.slideMs, 0),
        // More than the lateness, so that some samples are late.
        delays: arbitrary.delays,
        sizes: arbitrary.batchSizes,
        pending: fc.array(fc.option(fc.nat({ max: 20 })), { minLength: 1, maxLength: 9 }),
        crashes: fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }),
        lanes: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 5 }),
      }),
    );
    fc.assert(
      fc.property(input, ({ options, originMs, ...input }) => {
        const arrivals = arbitrary.shuffled(input.samples, input.delays, 3 * options.slideMs);
        const cut = arbitrary.batches(arrivals, input.sizes);
        const run = (crashes: readonly boolean[]) => {
          let { engine, windows } = engineWith(options);
          const emitted: ServerWindow[][] = [windows];
          engine.open(0, { originMs, replayed: true });
          const stored: Sample[] = [];
          const added: string[] = [];
          cut.forEach((batch, i) => {
            for (const { tsMs, values } of batch) {
              const lane = input.lanes[stored.length % input.lanes.length]!;
              added.push(engine.add(0, tsMs, values, lane));
              stored.push({ tsMs, values });
            }
            const pending = input.pending[i % input.pending.length] ?? null;
            engine.advance(0, pending === null ? Infinity : pending * options.slideMs);
            if (!crashes[i % crashes.length]) return;
            const restored = JSON.parse(JSON.stringify(engine.checkpoint(0)));
            ({ engine, windows } = engineWith(options));
            emitted.push(windows);
            engine.open(0, { originMs, replayed: true, restored });
            const fromMs = engine.restoreFromMs(0);
            for (const { tsMs, values } of stored) {
              if (tsMs >= fromMs) engine.restoreSample(0, tsMs, values);
            }
            expect(windows).toEqual([]);
          });
          engine.finish(0);
          return { windows: finals(emitted.flat()), added };
        };
        expect(run(input.crashes)).toEqual(run([false]));
      }),
      { numRuns: 1000 },
    );
  });
});
