import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { blockBytes, paddingOf } from './padding.ts';

it('a stream and its padding are whole blocks that end with its length in bits, beyond 32 bits too', () => {
  const streamBytes = fc.oneof(
    fc.integer({ min: 0, max: 300 }),
    fc.integer({ min: 2 ** 29 - 100, max: 2 ** 29 + 100 }),
    fc.integer({ min: 2 ** 32 - 100, max: 2 ** 32 + 100 }),
    fc.maxSafeNat(),
  );
  fc.assert(
    fc.property(streamBytes, (bytes) => {
      const padding = Buffer.from(paddingOf(bytes));
      expect((BigInt(bytes) + BigInt(padding.length)) % BigInt(blockBytes)).toBe(0n);
      expect(padding.length).toBeLessThanOrEqual(blockBytes + 8);
      expect(padding[0]).toBe(0x80);
      expect(padding.subarray(1, -8).every((byte) => byte === 0)).toBe(true);
      expect(BigInt(`0x${padding.subarray(-8).toString('hex')}`)).toBe(BigInt(bytes) * 8n);
    }),
  );
});
