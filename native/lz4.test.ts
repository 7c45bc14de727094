import { randomBytes } from 'node:crypto';
import fc from '../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { WindrowError } from '../runtime/errors.ts';
import { decompressedBytes } from './lz4-frame.ts';
import { compressFrame, decompressFrame } from './lz4.ts';

/** Bytes with repetitions of all lengths, and such without. */
const contents = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 500 })))
  .map((parts) =>
    Buffer.concat(parts.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))),
  );

describe('a frame', () => {
  it('holds what was put in, and its size is known before it is decompressed', () => {
    fc.assert(
      fc.property(contents, (content) => {
        const frame = compressFrame(content);
        expect(decompressedBytes(frame, content.length)).toBe(content.length);
        expect(decompressFrame(frame, content.length).equals(content)).toBe(true);
      }),
    );
  });

  it('of more than the block maximum of 4 MiB is taken too', () => {
    const content = Buffer.alloc(9 << 20, 'windrow');
    expect(decompressFrame(compressFrame(content), content.length).equals(content)).toBe(true);
  });

  it('of what does not compress is hardly larger', () => {
    const content = randomBytes(1_000_000);
    const frame = compressFrame(content);
    expect(frame.length).toBeLessThan(content.length + 100);
    expect(decompressFrame(frame, content.length).equals(content)).toBe(true);
  });

  it('that holds more than was declared is refused, be it by one byte', () => {
    const content = Buffer.alloc(100_000, 'abc');
    expect(() => decompressFrame(compressFrame(content), content.length - 1)).toThrow(WindrowError);
  });

  it('that is a bomb is refused before memory is taken for it', () => {
    const bomb = compressFrame(Buffer.alloc(256 << 20));
    expect(bomb.length).toBeLessThan(2 << 20);
    const before = process.memoryUsage();
    expect(() => decompressFrame(bomb, 1 << 20)).toThrow(/more than 1048576 bytes/);
    const { arrayBuffers, external } = process.memoryUsage();
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(4 << 20);
    expect(external - before.external).toBeLessThan(4 << 20);
  });

  it.each([
    ['nothing at all', '', /it is cut off/],
    ['another magic number', '05224d1860408200000000', /does not begin/],
    ['version 2', '04224d18a0408200000000', /version/],
    ['a reserved block maximum', '04224d1860308200000000', /version/],
    ['a dictionary', '04224d186140000000008200000000', /dictionary/],
    ['no end', '04224d18604082', /it is cut off/],
    ['another behind it', '04224d186040820000000004224d1860408200000000', /follows/],
    ['a block beyond its end', '04224d186040820a00000041', /it is cut off/],
    ['a length that never ends', '04224d1860408204000000f0ffffff00000000', /a length is cut off/],
    ['literals beyond the block', '04224d1860408202000000904100000000', /a block is cut off/],
    ['a block without an end', '04224d1860408204000000104101000000000000', /a block is cut off/],
    ['a block above its maximum', `04224d1860408209010000${blockOf65Ki()}00000000`, /its maximum/],
    [
      'a match before its beginning',
      '04224d186040820600000010410500104100000000',
      /OffsetOutOfBounds/,
    ],
    ['a wrong header checksum', '04224d1860408300000000', /damaged/],
  ])('with %s is refused', (_, hex, reason) => {
    expect(() => decompressFrame(Buffer.from(hex, 'hex'), 1 << 20)).toThrow(reason);
  });

  it('that was damaged anywhere or made up is refused or comes to no more than declared', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(contents, damage, fc.nat(200), (content, changes, cut) => {
        const frame = compressFrame(content);
        for (const [at, byte] of changes) frame[at % frame.length] = byte;
        const bytesMax = content.length;
        for (const hostile of [frame, frame.subarray(0, Math.max(0, frame.length - cut))]) {
          expect(lengthOrRefusal(hostile, bytesMax)).toBeLessThanOrEqual(bytesMax);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** -1 when it was refused; what is no refusal is thrown on. */
function lengthOrRefusal(frame: Uint8Array, bytesMax: number): number {
  try {
    return decompressFrame(frame, bytesMax).length;
  } catch (error) {
    if (error instanceof WindrowError && error.code === 'input') return -1;
    throw error;
  }
}

/** 265 bytes: a literal, repeated 19 + 258 × 255 times, and another literal as the end. */
function blockOf65Ki(): string {
  return `1f410100${'ff'.repeat(258)}001041`;
}
