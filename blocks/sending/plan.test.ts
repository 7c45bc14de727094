import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { blockBytesMin } from '../../wire/limits.ts';
import { decodeChunk, encodeChunkHeader } from '../../wire/records/block-chunk.ts';
import { chunkCount, chunkSpan } from '../../wire/records/block-shape.ts';
import { blockSizeBytes, chunkRecord, planTransfer, type SourceFile } from './plan.ts';

const options = { sender: 'pc', blockBytes: blockBytesMin };

function fileOf(changes: Partial<SourceFile & SourceFile['version']> = {}): SourceFile {
  const { path = '/a/file', relativePath = 'file', ...version } = changes;
  return { path, relativePath, version: { sizeBytes: 10, mtimeNs: 1n, inode: 2n, ...version } };
}

it('the same version of a file is the same transfer whenever it is planned', () => {
  expect(planTransfer(fileOf(), options).id).toBe(planTransfer(fileOf(), options).id);
});

it.each<[string, Parameters<typeof fileOf>[0], Partial<typeof options>]>([
  ['path', { path: '/b/file' }, {}],
  ['place under what was sent', { relativePath: 'a/file' }, {}],
  ['size', { sizeBytes: 11 }, {}],
  ['time', { mtimeNs: 2n }, {}],
  ['inode', { inode: 3n }, {}],
  ['block size', {}, { blockBytes: 2 * blockBytesMin }],
  ['sender', {}, { sender: 'other' }],
])('another %s is another transfer', (_, file, other) => {
  const changed = planTransfer(fileOf(file), { ...options, ...other });
  expect(changed.id).not.toBe(planTransfer(fileOf(), options).id);
});

it('a file of more blocks than the wire takes is refused with the flag that mends it', () => {
  const file = fileOf({ sizeBytes: 1_000_001 * blockBytesMin });
  expect(() => planTransfer(file, options)).toThrow(
    expect.objectContaining({ code: 'input', hint: expect.stringContaining('--block-size') }),
  );
});

it('every chunk of every block is a record that receivers take', () => {
  const bytes = fc.integer({ min: 0, max: 5 * blockBytesMin });
  const name = fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' });
  const usable = name.filter((text) => !/[/\0]/.test(text) && text.isWellFormed());
  fc.assert(
    fc.property(bytes, usable, (sizeBytes, text) => {
      const transfer = planTransfer(fileOf({ sizeBytes, relativePath: `dir/${text}` }), options);
      let total = 0;
      for (let block = 0; block < transfer.totalBlocks; block += 1) {
        const size = blockSizeBytes(transfer, block);
        const chunks = chunkCount(size);
        for (let chunk = 0; chunk < chunks; chunk += 1) {
          const { start, end } = chunkSpan(size, chunk);
          const prepared = {
            chunk,
            rawBytes: end - start,
            encoding: 'raw' as const,
            crc32: '00000000',
            payload: new Uint8Array(end - start),
            sha256: chunk === chunks - 1 ? 'ab'.repeat(32) : undefined,
          };
          const record = chunkRecord(transfer, block, {
            ...prepared,
            engine: 'simd4',
            sentAtMs: 1,
          });
          expect(record.last?.engine).toBe(prepared.sha256 === undefined ? undefined : 'simd4');
          const header = encodeChunkHeader(record);
          expect(decodeChunk({ header, payloadBytes: end - start })).toEqual({
            kind: 'chunk',
            chunk: record,
          });
          total += end - start;
        }
      }
      expect(total).toBe(sizeBytes);
    }),
    { numRuns: 30 },
  );
});
