import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { METRICS } from '../metrics.ts';
import { measured, serverId } from '../records/fields.ts';
import { decodeSeedA } from './seed-a.ts';
import { SEED_A_FORMATS } from './seed-a-format.ts';

const anything = fc.constantFrom(
  'pc',
  '',
  ' ',
  'a\nb',
  'é',
  '\u{d800}',
  'x'.repeat(129),
  '10:00:00',
  '24:00:00',
  '1:00:00',
  1,
  0,
  -0,
  -1.5,
  1e18,
  1.1e18,
  null,
  true,
  [],
  {},
);
const names = ['server_id', 'original_ts', 'timestamp', ...METRICS, '__proto__'];

it('a record is taken exactly when the schema takes it, with its values', () => {
  let taken = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...SEED_A_FORMATS),
      fc.array(fc.tuple(fc.constantFrom(...names), anything), { maxLength: 2 }),
      fc.option(fc.constantFrom(...names)),
      ({ topic, metrics }, changed, left) => {
        const plain = { original_ts: '10:00:00', server_id: 'pc', cpu_pct: 1, mem_pct: 2 };
        const whole = { ...plain, net_in: 3, net_out: 4, disk_io: 5 };
        const entries = [...Object.entries(whole), ...changed].filter(([name]) => name !== left);
        const value = JSON.parse(JSON.stringify(Object.fromEntries(entries))) as unknown;
        const schema = z.object({
          original_ts: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/),
          server_id: serverId,
          ...Object.fromEntries(metrics.map((metric) => [metric, measured])),
        });
        const parsed = schema.safeParse(value);
        const decoded = decodeSeedA({ topic, value, timeMs: 0 }, 0);
        expect(decoded.kind).toBe(parsed.success ? 'sample' : 'malformed');
        if (decoded.kind !== 'sample' || !parsed.success) return;
        taken += 1;
        const fields: Readonly<Record<string, unknown>> = parsed.data;
        expect(decoded.serverId).toBe(fields['server_id']);
        expect(decoded.values).toEqual(METRICS.map((metric) => fields[metric] ?? Number.NaN));
      },
    ),
    { numRuns: 2_000 },
  );
  expect(taken).toBeGreaterThan(200);
});
