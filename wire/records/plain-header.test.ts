import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { timestampMsMax } from '../limits.ts';
import { batchHeaderSchema } from './batch-schema.ts';
import { isPlainHeader } from './plain-header.ts';

const bare = { v: 1, sent_at: 1_000 };
const whole = {
  ...bare,
  server_id: 'pc',
  boot_id: 'boot',
  pending_from_ms: 5,
  oldest_outstanding_seq: 0,
  dropped: 1,
  sent_by: 'other',
  waiting: 2,
};

it('headers as senders write them are taken without the schema', () => {
  expect(isPlainHeader(bare)).toBe(true);
  expect(isPlainHeader(whole)).toBe(true);
});

const anything = fc.constantFrom(
  1,
  2,
  0,
  -0,
  -1,
  0.5,
  timestampMsMax,
  timestampMsMax + 1,
  Number.MAX_SAFE_INTEGER,
  1e308,
  null,
  true,
  [],
  {},
  '',
  ' ',
  'pc',
  'a b',
  'a\nb',
  'é',
  '\u{d800}',
  'x'.repeat(65),
);
const fields = [...Object.keys(whole), 'new', '__proto__'];

it('what is taken so, the schema takes too and leaves as it is', () => {
  const changes = fc.array(fc.tuple(fc.constantFrom(...fields), anything), { maxLength: 3 });
  let taken = 0;
  fc.assert(
    fc.property(changes, fc.option(fc.constantFrom(...fields)), (changed, left) => {
      const entries = [...Object.entries(whole), ...changed].filter(([name]) => name !== left);
      const value = JSON.parse(JSON.stringify(Object.fromEntries(entries))) as unknown;
      if (!isPlainHeader(value)) return;
      taken += 1;
      expect(batchHeaderSchema.safeParse(value)).toEqual({ success: true, data: value });
    }),
    { numRuns: 2_000 },
  );
  expect(taken).toBeGreaterThan(200);
});
