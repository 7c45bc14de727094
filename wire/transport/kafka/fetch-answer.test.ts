import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as library from '@platformatic/kafka';
import { expect, it } from 'vitest';
import { batchesIn } from './fetch-answer.ts';

const attributesAt = 21;
const headBytes = 61;
const gzip = 1;
const zstd = 4;

/** A batch as a producer makes it. */
function batch(
  values: readonly string[],
  compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd',
) {
  const messages = values.map((value) => ({ topic: 't', value: Buffer.from(value) }));
  const options = { compression } as never;
  return Buffer.from(library.createRecordsBatch(messages as never, options).buffer);
}

/** The same as if its records were these bytes. */
function filled(template: Buffer, codec: number, records: Buffer): Buffer {
  const all = Buffer.concat([template.subarray(0, headBytes), records]);
  all.writeInt32BE(all.length - 12, 8);
  all.writeInt16BE(codec, attributesAt);
  return all;
}

function valuesIn(bytes: Buffer): string[][] {
  return batchesIn(library, bytes).map(({ records }) => records.map(({ value }) => String(value)));
}

it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('reads what is packed by %s', (how) => {
  expect(valuesIn(batch(['a', 'b'.repeat(10_000)], how))).toEqual([['a', 'b'.repeat(10_000)]]);
});

it.each([
  ['gzip', filled(batch(['x', 'y'], 'none'), gzip, gzipSync(Buffer.alloc(17 * 1024 * 1024)))],
  ['zstd', filled(batch(['x', 'y'], 'none'), zstd, zstdCompressSync(Buffer.alloc(1024 ** 3)))],
])('a bomb of %s is passed by, and what is behind it is read', (_, bomb) => {
  expect(bomb.length).toBeLessThan(100_000);
  const before = process.memoryUsage().rss;
  const [good, bad, next] = batchesIn(
    library,
    Buffer.concat([batch(['a'], 'zstd'), bomb, batch(['b'], 'none')]),
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
  expect(good?.records).toHaveLength(1);
  expect(bad).toMatchObject({ records: [], lastOffsetDelta: 1 });
  expect(bad?.unreadable).toBe('a batch unpacks to more than 16 MiB');
  expect(next?.records.map(({ value }) => String(value))).toEqual(['b']);
});

it('a batch that is broken, packed in an unknown way or says it is endless is passed by', () => {
  const plain = batch(['x'], 'none');
  const endless = Buffer.from(plain);
  endless.writeInt32BE(2 ** 31 - 1, 57);
  const broken = filled(plain, gzip, Buffer.from('no gzip'));
  const unknown = filled(plain, 7, Buffer.from('?'));
  const batches = batchesIn(library, Buffer.concat([broken, unknown, endless, plain]));
  expect(batches.map(({ unreadable }) => unreadable)).toEqual([
    expect.any(String),
    'a batch is packed in an unknown way, 7',
    'a batch holds more than 200000 records',
    undefined,
  ]);
});

it('what the broker has cut off is left for the next answer', () => {
  const whole = batch(['a'], 'none');
  expect(valuesIn(Buffer.concat([whole, whole.subarray(0, -1)]))).toEqual([['a']]);
  expect(valuesIn(Buffer.concat([whole, whole.subarray(0, 20)]))).toEqual([['a']]);
  expect(valuesIn(Buffer.alloc(0))).toEqual([]);
});
