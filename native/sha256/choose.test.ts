import { describe, expect, it } from 'vitest';
import { fastestEngine, type Rates, throughputOf } from './choose.ts';
import type { EngineName } from './engine.ts';

/** Measured on one machine, with and without SHA-NI. */
const withoutShaNi = rates({ openssl: 407, 'hash-wasm': 246, simd4: 304 }, 626);
const withShaNi = rates({ openssl: 1446, 'hash-wasm': 246, simd4: 304 }, 626);

describe('the fastest engine', () => {
  it.each<[number, number, EngineName]>([
    [1, 1, 'openssl'],
    [2, 1, 'openssl'],
    [3, 1, 'simd4'],
    [4, 1, 'simd4'],
    // Two lanes of four on each of two threads are no faster than four on one.
    [4, 2, 'openssl'],
    [8, 2, 'simd4'],
    [1000, 2, 'simd4'],
  ])('without SHA-NI, of %i streams on %i threads, is %s', (streams, threads, name) => {
    expect(fastestEngine(withoutShaNi, { streams, threads })).toBe(name);
  });

  it.each([1, 4, 8])('with SHA-NI is OpenSSL’s, of %i streams too', (streams) => {
    expect(fastestEngine(withShaNi, { streams, threads: 2 })).toBe('openssl');
  });

  it('is whichever was measured to be, not one that is preferred', () => {
    const odd = rates({ openssl: 100, 'hash-wasm': 300, simd4: 200 }, 250);
    expect(fastestEngine(odd, { streams: 4, threads: 1 })).toBe('hash-wasm');
  });
});

it('a stream too many for all lanes makes one thread busy, not all of them twice', () => {
  expect(throughputOf('openssl', withShaNi, { streams: 1, threads: 4 })).toBe(1446);
  expect(throughputOf('openssl', withShaNi, { streams: 3, threads: 2 })).toBe(2892);
  expect(throughputOf('simd4', withShaNi, { streams: 5, threads: 4 })).toBe(626 / 2 + 3 * 304);
  expect(throughputOf('simd4', withShaNi, { streams: 9, threads: 2 })).toBe(1252);
});

function rates(oneMbps: Record<EngineName, number>, simd4FullMbps: number): Rates {
  const alone = (name: EngineName) => ({
    lanes: 1,
    oneMbps: oneMbps[name],
    fullMbps: oneMbps[name],
  });
  return {
    openssl: alone('openssl'),
    'hash-wasm': alone('hash-wasm'),
    simd4: { lanes: 4, oneMbps: oneMbps.simd4, fullMbps: simd4FullMbps },
  };
}
