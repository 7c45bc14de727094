import { Histogram, type OpenMetricsContentType, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import fc from '../../runtime/testing/property.ts';
import { addHistogram } from './histogram.ts';

const options = { name: 'lag_seconds', help: 'How "late" it is.', buckets: [0.05, 0.1, 1, 600] };

function openMetrics(): Registry<OpenMetricsContentType> {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}

it('what a scrape reads is what prom-client’s own histogram tells, to the byte', async () => {
  const value = fc.oneof(
    fc.constantFrom(0, ...options.buckets),
    fc.double({ min: 0, max: 1_000, noNaN: true }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(value), async (values) => {
      const [own, theirs] = [openMetrics(), openMetrics()];
      const histogram = addHistogram(own, options);
      const peer = new Histogram({ ...options, registers: [theirs] });
      for (const each of values) {
        histogram.note(each);
        peer.observe(each);
      }
      expect(await own.metrics()).toBe(await theirs.metrics());
    }),
  );
});
