import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as library from '@platformatic/kafka';
import { expect, it } from 'vitest';
import { batchesIn, bytesIn, endOf, type FetchedBatch } from './fetch-answer.ts';

const attributesAt = 21;
const headBytes = 61;
const gzip = 1;
const snappy = 2;
const lz4 = 3;
const zstd = 4;
const MiB = 1024 * 1024;
const start = { topic: 't', partition: 0, offset: 0 };

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

function valuesOf(batch: FetchedBatch | undefined): string[] {
  return batch?.unpack(start).records.map(({ value }) => String(value)) ?? [];
}

function valuesIn(bytes: Buffer): string[][] {
  return batchesIn(bytes).map(valuesOf);
}

function packed(how: 'snappy' | 'lz4', bytes: number): Buffer {
  return Buffer.from(library.compressionsAlgorithms[how].compressSync(Buffer.alloc(bytes)));
}

it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('reads what is packed by %s', (how) => {
  expect(valuesIn(batch(['a', 'b'.repeat(10_000)], how))).toEqual([['a', 'b'.repeat(10_000)]]);
});

it.each([
  ['gzip', filled(batch(['x', 'y'], 'none'), gzip, gzipSync(Buffer.alloc(17 * MiB)))],
  ['Snappy', filled(batch(['x', 'y'], 'none'), snappy, packed('snappy', 17 * MiB))],
  ['LZ4', filled(batch(['x', 'y'], 'none'), lz4, packed('lz4', 240 * MiB))],
  ['zstd', filled(batch(['x', 'y'], 'none'), zstd, zstdCompressSync(Buffer.alloc(1024 ** 3)))],
])('a bomb of %s is passed by, and what is behind it is read', (_, bomb) => {
  expect(bomb.length).toBeLessThan(MiB);
  const before = process.resourceUsage().maxRSS;
  const all = Buffer.concat([batch(['a'], 'zstd'), bomb, batch(['b'], 'none')]);
  const [good, bad, next] = batchesIn(all);
  expect(valuesOf(good)).toEqual(['a']);
  expect(bad).toMatchObject({ lastOffsetDelta: 1 });
  expect(() => bad?.unpack(start)).toThrow('a batch unpacks to more than 16 MiB');
  expect(valuesOf(next)).toEqual(['b']);
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(64 * 1024);
});

it('a batch that is broken, packed in an unknown way or says it is endless is passed by', () => {
  const plain = batch(['x'], 'none');
  const endless = Buffer.from(plain);
  endless.writeInt32BE(100_001, 57);
  const broken = filled(plain, gzip, Buffer.from('no gzip'));
  const unknown = filled(plain, 7, Buffer.from('?'));
  const batches = batchesIn(Buffer.concat([broken, unknown, endless, plain]));
  expect(() => batches[0]?.unpack(start)).toThrow('incorrect header check');
  expect(() => batches[1]?.unpack(start)).toThrow('a batch is packed in an unknown way, 7');
  expect(() => batches[2]?.unpack(start)).toThrow('a batch holds more than 100000 records');
  expect(valuesOf(batches[3])).toEqual(['x']);
});

it.each(['snappy', 'lz4'] as const)(
  'after many broken batches of %s a whole one is read',
  (how) => {
    const whole = batch(['x'.repeat(1_000)], how);
    const records = Buffer.from(whole.subarray(headBytes));
    records.fill(9, records.length - 10);
    const [broken] = batchesIn(filled(whole, how === 'lz4' ? lz4 : snappy, records));
    let refused = 0;
    for (let i = 0; i < 20_000; i += 1) {
      try {
        broken?.unpack(start);
      } catch {
        refused += 1;
      }
    }
    expect(refused).toBe(20_000);
    expect(valuesIn(whole)).toEqual([['x'.repeat(1_000)]]);
  },
);

/** As Kafka before 0.11 wrote it: magic 0, or 1 with a time. */
function oldMessage(offset: number, value: string, format: 0 | 1): Buffer {
  const time = format === 0 ? [] : [Buffer.alloc(8)];
  const content = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeInt32BE(content.length);
  const noKey = Buffer.alloc(4, 0xff);
  const body = Buffer.concat([Buffer.from([format, 0]), ...time, noKey, length, content]);
  const head = Buffer.alloc(16);
  head.writeBigInt64BE(BigInt(offset), 0);
  head.writeInt32BE(4 + body.length, 8);
  return Buffer.concat([head, body]);
}

/** A batch that nobody can read: why, and where it goes on. */
function amiss(batch: FetchedBatch | undefined): string {
  try {
    return `${batch?.unpack(start).records.length} records`;
  } catch (error) {
    return `${batch?.firstOffset} to ${endOf(batch!)}: ${String(error)}`;
  }
}

it.each([0, 1] as const)(
  'what Kafka before 0.11 wrote, magic %i, is passed by one by one, and what is behind it is read',
  (format) => {
    const good = batch(['x'], 'none');
    const [short, long] = [oldMessage(7, 'a', format), oldMessage(8, 'b'.repeat(1_000), format)];
    const batches = batchesIn(Buffer.concat([short, long, good]));
    const why = `Error: a batch is in the format of Kafka before 0.11, magic ${format}`;
    expect(batches.map(amiss)).toEqual([`7 to 8: ${why}`, `8 to 9: ${why}`, '1 records']);
  },
);

it('a batch of an unknown format is passed by', () => {
  const newer = batch(['x', 'y'], 'none');
  newer[16] = 3;
  expect(amiss(batchesIn(newer)[0])).toContain('a batch is in an unknown format, magic 3');
});

it.each([
  ['longer than what came', (whole: Buffer) => whole.subarray(0, -1), '5 to 7'],
  ['endless', (whole: Buffer) => (whole.writeInt32BE(2 ** 31 - 1, 8), whole), '5 to 7'],
  ['of no length', (whole: Buffer) => (whole.writeInt32BE(-1, 8), whole), '5 to 7'],
  [
    'without its head',
    (whole: Buffer) => (whole.writeInt32BE(20, 8), whole.subarray(0, 32)),
    '5 to 6',
  ],
])('a first batch that is %s would come again for ever: it is passed by', (_, spoil, where) => {
  const whole = batch(['x', 'y'], 'none');
  whole.writeBigInt64BE(5n, 0);
  const [first, ...others] = batchesIn(spoil(whole)).map(amiss);
  const why = 'a batch is not as long as it says, or shorter than its head';
  expect(first).toBe(`${where}: Error: ${why}`);
  expect(others).toEqual([]);
});

it('what the broker has cut off is left for the next answer', () => {
  const whole = batch(['a'], 'none');
  expect(valuesIn(Buffer.concat([whole, whole.subarray(0, -1)]))).toEqual([['a']]);
  expect(valuesIn(Buffer.concat([whole, whole.subarray(0, 20)]))).toEqual([['a']]);
  expect(valuesIn(Buffer.alloc(0))).toEqual([]);
});

/** As they come from a socket: each in memory of its own. */
function pieces(bytes: Buffer, pieceBytes: number): Buffer[] {
  const count = Math.ceil(bytes.length / pieceBytes);
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(new Uint8Array(bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes)).buffer),
  );
}

function readerOf(come: readonly Buffer[]) {
  const writer = library.Writer.create();
  for (const piece of come) writer.dynamicBuffer.append(piece);
  return library.Reader.from(writer);
}

it('the pieces that an answer was copied from are given back when it has been read', async () => {
  const content = Buffer.alloc(250, 'x');
  const length = Buffer.from([0xfb, 0x01]); // 251: their length and one, as a varint
  const all = Buffer.concat([length, content, Buffer.from('next')]);
  const come = pieces(all, 100);
  const bytes = bytesIn(readerOf(come));
  expect(bytes).toEqual(content);
  expect(come.map(({ length: left }) => left)).toEqual([100, 100, 56]);
  await Promise.resolve();
  // Of the first and of the last something is left to be read.
  expect(come.map(({ length: left }) => left)).toEqual([100, 0, 56]);
  expect(bytes).toEqual(content);
});

it('bytes within one piece are no copy, and stay', async () => {
  const come = [Buffer.from(new Uint8Array([4]).buffer), ...pieces(Buffer.from('abc'), 3)];
  const bytes = bytesIn(readerOf(come));
  await Promise.resolve();
  expect(String(bytes)).toBe('abc');
});

it.each(['none', 'snappy', 'lz4'] as const)(
  'memory of records packed by %s is given back with the last of them',
  (how) => {
    const [answer] = pieces(batch(['a'.repeat(50_000), 'b'.repeat(50_000)], how), 200_000);
    const [both] = batchesIn(answer!).map((each) => each.unpack(start).records);
    const [one, other] = both!;
    one?.release?.();
    expect(String(other?.value)).toBe('b'.repeat(50_000));
    other?.release?.();
    expect([one?.value?.length, other?.value?.length]).toEqual([0, 0]);
  },
);

it('that of an answer is given back with the last record of its last batch', () => {
  const all = Buffer.concat([batch(['a'.repeat(10_000)], 'none'), batch(['b', 'c'], 'none')]);
  const [answer] = pieces(all, all.length);
  const [first, second] = batchesIn(answer!).map((each) => each.unpack(start).records);
  first?.[0]?.release?.();
  second?.[1]?.release?.();
  expect([first?.[0]?.value?.length, String(second?.[0]?.value)]).toEqual([10_000, 'b']);
  second?.[0]?.release?.();
  expect([...first!, ...second!].map(({ value }) => value?.length)).toEqual([0, 0, 0]);
});

it('a batch that is packed, and is done with, gives its part of the answer back', () => {
  const all = Buffer.concat([batch(['a'.repeat(10_000)], 'gzip'), batch(['b'], 'none')]);
  const [answer] = pieces(all, all.length);
  const [first, second] = batchesIn(answer!).map((each) => each.unpack(start).records);
  second?.[0]?.release?.();
  expect([answer?.length, String(first?.[0]?.value)]).toEqual([0, 'a'.repeat(10_000)]);
});

it('one that cannot be told apart gives its part back as well', () => {
  const all = Buffer.concat([oldMessage(7, 'a'.repeat(10_000), 1), batch(['b'], 'none')]);
  const [answer] = pieces(all, all.length);
  const [old, next] = batchesIn(answer!);
  expect(amiss(old)).toContain('7 to 8');
  const [record] = next!.unpack(start).records;
  expect(String(record?.value)).toBe('b');
  record?.release?.();
  expect(answer?.length).toBe(0);
});
