import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { timestampMsMax } from '../limits.ts';
import { METRICS } from '../metrics.ts';
import { isPlainSample } from './plain-sample.ts';
import { sampleSchema } from './sample.ts';

const plain = { v: 1, server_id: 'pc', ts: 1_000, boot_id: 'boot', seq: 0, cpu_pct: 12.5 };

it('a sample of identity and metrics is taken without the schema', () => {
  const metrics = Object.fromEntries(METRICS.map((metric) => [metric, 1]));
  expect(isPlainSample(plain)).toBe(true);
  expect(isPlainSample({ ...plain, ...metrics, origin_ms: 5 })).toBe(true);
});

/** What JSON can hold, with what is at the edges of the limits. */
const anything = fc.oneof(
  fc.constantFrom(1, 0, -0, -1, 0.5, 1e18, -1e18, 1.1e18, timestampMsMax, timestampMsMax + 1),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER + 1, 1e308, null, true, [], {}),
  fc.constantFrom('', ' ', 'pc', 'a b', 'a\nb', '\u{202e}x', '\u{d800}', 'é', 'x'.repeat(64)),
  fc.constantFrom('x'.repeat(65), 'x'.repeat(128), 'x'.repeat(129), '😀'.repeat(64)),
);
const fields = [
  ...Object.keys(plain),
  ...METRICS,
  'origin_ms',
  'interval_ms',
  'load1',
  '__proto__',
  'new',
];

it('what is taken so, the schema takes too and leaves as it is', () => {
  const changes = fc.array(fc.tuple(fc.constantFrom(...fields), anything), { maxLength: 3 });
  let taken = 0;
  fc.assert(
    fc.property(changes, fc.option(fc.constantFrom(...fields)), (changed, left) => {
      const entries = [...Object.entries(plain), ...changed].filter(([name]) => name !== left);
      const value = JSON.parse(JSON.stringify(Object.fromEntries(entries))) as unknown;
      if (!isPlainSample(value)) return;
      taken += 1;
      expect(sampleSchema.safeParse(value)).toEqual({ success: true, data: value });
    }),
    { numRuns: 5_000 },
  );
  expect(taken).toBeGreaterThan(200);
});
