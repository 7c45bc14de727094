/** Random sources for the property tests. */
import fc from '../../../runtime/testing/property.ts';
import type { EngineOptions } from '../engine.ts';
import type { Sample } from './oracle.ts';

export const metricCount = 2;

/** Small numbers so that windows, gaps and edges meet often. */
export const options: fc.Arbitrary<EngineOptions> = fc
  .record({
    slides: fc.integer({ min: 1, max: 4 }),
    slideMs: fc.constantFrom(1, 7, 10, 1000),
    latenessSlides: fc.constantFrom(0, 0.5, 1, 3),
    retentionSlides: fc.constantFrom(8, 20, 10_000),
  })
  .map(({ slides, slideMs, latenessSlides, retentionSlides }) => ({
    windowMs: slides * slideMs,
    slideMs,
    latenessMs: Math.floor(latenessSlides * slideMs),
    paneRetentionMs: retentionSlides * slideMs,
    metricCount,
  }));

/** Values whose sums round, cancel, are absent, or are zero of either sign. */
const value = fc.oneof(
  { weight: 4, arbitrary: fc.double({ min: -100, max: 100, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(1e18, -1e18, 0.1, 0, -0, 1) },
  { weight: 1, arbitrary: fc.constant(NaN) },
);

export const values = fc.array(value, { minLength: metricCount, maxLength: metricCount });

/** Samples in order of time, with gaps and with several at one time, around `baseMs`. */
export function timeline(slideMs: number, baseMs: number): fc.Arbitrary<Sample[]> {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: slideMs }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 6 * slideMs }) },
  );
  return fc.array(fc.tuple(step, values), { maxLength: 60, size: 'max' }).map((steps) => {
    let tsMs = baseMs;
    return steps.map(([stepMs, values]) => {
      tsMs += stepMs;
      return { tsMs, values };
    });
  });
}

/** Cuts a list into consecutive batches; `sizes` is used round and round. */
export function batches<T>(list: readonly T[], sizes: readonly number[]): T[][] {
  const cut: T[][] = [];
  for (let at = 0, i = 0; at < list.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    cut.push(list.slice(at, at + size));
    at += size;
  }
  return cut;
}

export const batchSizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });

/** The order of arrival when each sample is on its way for up to `delayMsMax`. */
export function shuffled(
  samples: readonly Sample[],
  delays: readonly number[],
  delayMsMax: number,
): Sample[] {
  return samples
    .map((sample, i) => ({
      sample,
      arrivesMs: sample.tsMs + ((delays[i % delays.length] ?? 0) % (delayMsMax + 1)),
      // Samples of one moment come in either order too.
      tie: delays[(i * 7) % delays.length] ?? 0,
    }))
    .sort((a, b) => a.arrivesMs - b.arrivesMs || a.tie - b.tie)
    .map(({ sample }) => sample);
}

export const delays = fc.array(fc.nat({ max: 1_000_000 }), {
  minLength: 1,
  maxLength: 40,
  size: 'max',
});
