import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { METRICS } from '../../wire/metrics.ts';
import { type Aggregate, AGGREGATES } from '../windows/window.ts';
import { packAggregates, unpackAggregates } from './aggregates.ts';
import { aggregateOf, jsonOf } from './testing/rows.ts';

const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const figure = fc.oneof(
  { weight: 4, arbitrary: double },
  { weight: 1, arbitrary: fc.constantFrom(-0, 5e-324, -5e-324, 1e18, 0.1 + 0.2) },
);
const quantile = fc.option(figure);
const aggregate: fc.Arbitrary<Aggregate> = fc.record({
  count: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  sum: figure,
  min: figure,
  max: figure,
  avg: figure,
  last: figure,
  p50: quantile,
  p95: quantile,
  p99: quantile,
});
/** Also of fewer metrics than there are now. */
const window = fc.array(fc.option(aggregate), { minLength: 1, maxLength: METRICS.length });

/** As a row has them: on their own. */
function stored(aggregates: readonly (Aggregate | null)[]) {
  return { aggregates: '', figures: packAggregates(aggregates).slice() };
}

it('figures are stored in the order in which they are exported, an absent metric as a 0', () => {
  fc.assert(
    fc.property(aggregate, (entry) => {
      const bytes = new DataView(stored([null, entry, null]).figures.buffer);
      const doubles = Array.from({ length: bytes.byteLength / 8 }, (_, i) =>
        bytes.getFloat64(i * 8, true),
      );
      expect(doubles).toEqual([0, ...AGGREGATES.map((name) => entry[name] ?? Number.NaN), 0]);
    }),
  );
});

it('aggregates come back from the store to the last bit, absent ones as absent', () => {
  fc.assert(
    fc.property(window, (aggregates) => {
      expect(unpackAggregates(stored(aggregates))).toEqual(aggregates);
    }),
  );
});

it('those of a row from before there were bytes come back from its JSON', () => {
  fc.assert(
    fc.property(window, (aggregates) => {
      const row = { aggregates: jsonOf(aggregates) };
      const before = JSON.parse(JSON.stringify(aggregates)) as unknown;
      expect(unpackAggregates({ ...row, figures: null })).toEqual(before);
      // Of a store that has no such column yet.
      expect(unpackAggregates(row)).toEqual(before);
    }),
  );
});

const whole = METRICS.map((_, i) => aggregateOf(i));
const bytesOfWhole = METRICS.length * AGGREGATES.length * 8;

it('bytes that end anywhere but behind a metric are an error, whatever was read before', () => {
  for (let length = 0; length <= bytesOfWhole; length += 1) {
    expect(unpackAggregates(stored(whole))).toEqual(whole);
    const figures = stored(whole).figures.subarray(0, length);
    const read = () => unpackAggregates({ figures });
    if (length % (AGGREGATES.length * 8) !== 0) expect(read).toThrow(/window is damaged/);
    else expect(read()).toEqual(whole.slice(0, length / (AGGREGATES.length * 8)));
  }
});

it.each([
  ['more bytes than any window has', { figures: new Uint8Array(bytesOfWhole + 8) }],
  ['more metrics than there are', { figures: new Uint8Array((METRICS.length + 1) * 8) }],
  ['more metrics in JSON', { figures: null, aggregates: jsonOf([...whole, null]) }],
])('%s are an error', (_, row) => {
  expect(() => unpackAggregates(row)).toThrow(/window is damaged/);
});

it('a window of more metrics than there are is not stored', () => {
  expect(() => packAggregates([...whole, aggregateOf(1)])).toThrow(RangeError);
});
