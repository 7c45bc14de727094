import { expect, it } from 'vitest';
import { release } from './release.ts';

it('a buffer of its own is empty then', () => {
  const bytes = Buffer.from(new ArrayBuffer(1_000_000));
  release(bytes);
  expect(bytes.buffer.byteLength).toBe(0);
});

it.each([
  ['behind its beginning', 8, 92],
  ['before its end', 0, 92],
])('a part of larger memory, %s, stays', (_, offset, length) => {
  const memory = new ArrayBuffer(100);
  release(Buffer.from(memory, offset, length));
  expect(memory.byteLength).toBe(100);
});
