import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { type Aggregate, AGGREGATES } from '../windows/window.ts';
import { packAggregates, unpackAggregates } from './aggregates.ts';

const double = fc.double({ min: -1e18, max: 1e18, noNaN: true }).map((value) => value + 0);
const quantile = fc.option(double);
const aggregate: fc.Arbitrary<Aggregate> = fc.record({
  count: fc.integer({ min: 1, max: 1_000_000 }),
  sum: double,
  min: double,
  max: double,
  avg: double,
  last: double,
  p50: quantile,
  p95: quantile,
  p99: quantile,
});

it('figures are stored in the order in which they are exported', () => {
  fc.assert(
    fc.property(aggregate, (entry) => {
      expect(JSON.parse(packAggregates([entry]))).toEqual([AGGREGATES.map((name) => entry[name])]);
    }),
  );
});

it('aggregates come back from the store to the last digit, absent ones as absent', () => {
  fc.assert(
    fc.property(fc.array(fc.option(aggregate), { maxLength: 8 }), (aggregates) => {
      expect(unpackAggregates(packAggregates(aggregates))).toEqual(aggregates);
    }),
  );
});
