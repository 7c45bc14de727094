import * as library from '@platformatic/kafka';
import { expect, it } from 'vitest';
import fc from '../../../runtime/testing/property.ts';
import { produceRequest } from './produce.ts';

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength, size: 'max' }).map((array) => Buffer.from(array));

const message = fc.record({
  topic: fc.constantFrom('data-blocks', 'ünï'),
  partition: fc.nat(3),
  key: bytes(40),
  value: fc.oneof(
    { weight: 5, arbitrary: bytes(300) },
    { weight: 1, arbitrary: bytes(100_000) },
    // A tombstone.
    { weight: 1, arbitrary: fc.constant(null as unknown as Buffer) },
  ),
  headers: fc.array(fc.tuple(bytes(10), bytes(20)), { maxLength: 3 }).map((all) => new Map(all)),
  // Beyond 2³¹ ms of each other the library writes other times than it was given.
  timestamp: fc.bigInt({ min: -1n, max: 2n ** 31n - 2n }),
});

it('a request is, byte for byte, the one that the library makes', () => {
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 6 }),
      fc.bigInt({ min: 0n, max: 2n ** 40n }),
      fc.nat(30_000),
      fc.nat(1_000_000),
      (messages, producerId, producerEpoch, sequence) => {
        const sequences = new library.NumericMap();
        sequences.set('data-blocks:1', sequence);
        const options = { producerId, producerEpoch, sequences, compression: 'none' as const };
        const { buffer: theirs } = library.produceV11.createRequest(-1, 9_000, messages, options);
        const { buffer: ours } = produceRequest(library, -1, 9_000, messages, options);
        expect(ours.equals(theirs)).toBe(true);
      },
    ),
    { numRuns: 50 },
  );
});

it('who says nothing of it asks that all replicas in sync have a record', () => {
  const { buffer } = produceRequest(library);
  // Behind the name of a transaction, which is none.
  expect(buffer.readInt16BE(1)).toBe(-1);
});

it('chunk after chunk is written into the same memory', () => {
  const options = { producerId: 1n, producerEpoch: 0, compression: 'none' as const };
  const memoryOf = (fill: number): ArrayBufferLike => {
    const value = Buffer.alloc(960 * 1024, fill);
    const messages = [{ topic: 't', partition: 0, value, timestamp: 1n }];
    const { buffers } = produceRequest(library, -1, 9_000, messages, options);
    const copy = buffers.find(({ length }) => length > value.length);
    return (copy as Buffer).buffer;
  };
  expect(memoryOf(2)).toBe(memoryOf(1));
});
