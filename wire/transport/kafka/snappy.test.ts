import { randomBytes } from 'node:crypto';
import * as library from '@platformatic/kafka';
import fc from '../../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { unpackSnappy } from './snappy.ts';

const MiB = 1024 * 1024;

/** By another hand than the one that unpacks. */
function packed(bytes: Buffer): Buffer {
  return Buffer.from(library.compressionsAlgorithms.snappy.compressSync(bytes));
}

/** As Java's clients do: in blocks, each with its size. */
function framed(blocks: readonly Buffer[]): Buffer {
  const head = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const parts = blocks.flatMap((block) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(block.length);
    return [size, block];
  });
  return Buffer.concat([head, ...parts]);
}

it.each([
  ['nothing', Buffer.alloc(0)],
  ['a byte', Buffer.from('x')],
  ['what repeats', Buffer.alloc(300_000, 'abc')],
  ['what does not', randomBytes(300_000)],
  ['text', Buffer.from(Array.from({ length: 20_000 }, (_, i) => `{"value":${i * 7}}`).join())],
])('%s comes out as it went in, framed or not', (_, bytes) => {
  expect(unpackSnappy(packed(bytes), MiB)).toEqual(bytes);
  const half = bytes.length / 2;
  const halves = [packed(bytes.subarray(0, half)), packed(bytes.subarray(half))];
  expect(unpackSnappy(framed(halves), MiB)).toEqual(bytes);
});

it('all kinds of copies are read, those that overlap with where they go too', () => {
  // The literal "ab"; copies of 4 from 2 back, in 1, 2 and 4 bytes of offset.
  const near = [0b000_000_01, 2];
  const bytes = Buffer.from([14, 0b1_00, 97, 98, ...near, 0b11_10, 2, 0, 0b11_11, 2, 0, 0, 0]);
  expect(String(unpackSnappy(bytes, MiB))).toBe('abababababababab'.slice(0, 14));
});

it('more than the bound is said before anything is allocated, of a block and of all together', () => {
  const fourGiB = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
  expect(unpackSnappy(fourGiB, MiB)).toBeUndefined();
  const half = packed(Buffer.alloc(MiB / 2 + 1));
  expect(unpackSnappy(framed([half, half]), MiB)).toBeUndefined();
});

it.each([
  ['a size without end', Buffer.alloc(9, 0xff)],
  ['nothing at all', Buffer.alloc(0)],
  ['a literal that is cut off', Buffer.from([3, 0b10_00, 97])],
  ['more than it says', Buffer.from([1, 0b1_00, 97, 98])],
  ['less than it says', Buffer.from([3, 0b1_00, 97, 98])],
  ['a copy from before its beginning', Buffer.from([6, 0b1_00, 97, 98, 1, 3])],
  ['a copy from nowhere', Buffer.from([6, 0b1_00, 97, 98, 1, 0])],
  ['an offset that is cut off', Buffer.from([6, 0b1_00, 97, 98, 0b11_10, 2])],
  ['a block that is cut off', framed([packed(Buffer.from('abc'))]).subarray(0, -1)],
  ["a block's size that is cut off", framed([packed(Buffer.from('abc'))]).subarray(0, 18)],
])('%s is told as what it is', (_, bytes) => {
  expect(() => unpackSnappy(bytes, MiB)).toThrow(RangeError);
});

it('whatever comes, it ends within its bound', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        expect(unpackSnappy(Buffer.from(bytes), 1_000)?.length ?? 0).toBeLessThanOrEqual(1_000);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});
