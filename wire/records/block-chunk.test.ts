import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { chunkHeaderBytesMax, rawChunkBytes, workBytesMax, workMsMax } from '../limits.ts';
import { type BlockChunk, chunkKey, decodeChunk, encodeChunkHeader } from './block-chunk.ts';
import { blockCount, blockSpan, chunkCount, chunkSpan } from './block-shape.ts';

const mib = 1024 * 1024;

/** The first chunk of a file of 3 MiB and 5 bytes in blocks of 2 MiB. */
function made(changes: Partial<BlockChunk> = {}): BlockChunk {
  return {
    v: 1,
    transfer_id: 'a'.repeat(32),
    sender: 'desk-12',
    file_name: 'log.txt',
    path: 'var/log.txt',
    file_size_bytes: 3 * mib + 5,
    block_bytes: 2 * mib,
    total_blocks: 2,
    block_number: 0,
    start_offset: 0,
    end_offset: 2 * mib,
    chunk: 0,
    raw_bytes: rawChunkBytes,
    encoding: 'raw',
    crc32: '00000000',
    sent_at: 1_795_233_211_884,
    ...changes,
  };
}

function reasonOf(changes: Partial<BlockChunk>, payloadBytes = rawChunkBytes): string {
  const decoded = decodeChunk({ header: encodeChunkHeader(made(changes)), payloadBytes });
  return decoded.kind === 'malformed' ? decoded.reason : 'none';
}

describe('a chunk', () => {
  it('comes back as it was sent, whatever letters its name has, in ASCII', () => {
    const chunk = made({ file_name: 'наименование \u{1F4BE}\n', path: 'ordner/größe' });
    const header = encodeChunkHeader(chunk);
    expect(header).toMatch(/^[\x20-\x7e]+$/);
    expect(decodeChunk({ header, payloadBytes: rawChunkBytes, key: chunkKey(chunk) })).toEqual({
      kind: 'chunk',
      chunk,
    });
  });

  it('with the longest path that people write fits its header', () => {
    const path = 'ж'.repeat(2_048);
    const time = { ms: workMsMax - 0.123, cpu_ms: workMsMax - 0.123 };
    const work = { read_bytes: workBytesMax, read: time, hash: time, compress: time };
    const last = { sha256: 'a'.repeat(64), engine: 'e'.repeat(32), work };
    const header = encodeChunkHeader(made({ path, file_name: 'ж'.repeat(127), last }));
    expect(header.length).toBeLessThanOrEqual(chunkHeaderBytesMax);
  });

  it.each([
    [{ total_blocks: 3 }, 'total_blocks: must be 2'],
    [{ block_number: 2 }, 'block_number: must be below 2'],
    [{ start_offset: 1 }, 'start_offset: must be 0'],
    [{ end_offset: 3 * mib }, `end_offset: must be ${2 * mib}`],
    [{ chunk: 3 }, 'chunk: must be below 3'],
    [{ raw_bytes: 7 }, `raw_bytes: must be ${rawChunkBytes}`],
    [{ last: { sha256: 'b'.repeat(64) } }, 'last: is not the last chunk'],
    [{ chunk: 2, raw_bytes: 2 * mib - 2 * rawChunkBytes }, 'last: is missing in the last chunk'],
    [{ encoding: 'lz4' as const }, `encoding: lz4 made ${rawChunkBytes} bytes of ${rawChunkBytes}`],
  ])('that contradicts itself is refused by the field: %j', (changes, reason) => {
    expect(reasonOf(changes)).toBe(`chunk: ${reason}`);
  });

  it.each([
    { transfer_id: '../../../../etc' },
    { file_size_bytes: -1 },
    { file_size_bytes: 2 ** 53 },
    { block_bytes: 1 },
    { block_bytes: 2 ** 31 },
    { start_offset: 0.5 },
    { raw_bytes: 2 ** 40 },
    { sender: 'a\nb' },
    { file_name: '' },
    { file_name: 'x'.repeat(1_025) },
    { path: 'x'.repeat(4_097) },
    { crc32: 'g0000000' },
    { v: 2 as 1 },
  ])('that nobody sends is refused: %j', (changes) => {
    expect(reasonOf(changes)).toContain(`chunk: ${Object.keys(changes)[0]}: `);
  });

  it.each([
    { read_bytes: workBytesMax + 1 },
    { read: { ms: workMsMax + 1, cpu_ms: 0 } },
    { hash: { ms: 1, cpu_ms: -1 } },
    { compress: { ms: 1 } },
  ])('that tells impossible work of its sender is refused: %j', (changes) => {
    const time = { ms: 1, cpu_ms: 1 };
    const work = { read_bytes: 1, read: time, hash: time, compress: time, ...changes };
    const last = { sha256: 'b'.repeat(64), work } as BlockChunk['last'];
    const [field] = Object.keys(changes);
    expect(reasonOf({ last })).toContain(`chunk: last.work.${field}`);
  });

  it('whose payload is not of its length, or empty, is refused', () => {
    expect(reasonOf({}, 5)).toBe('chunk: raw_bytes: the payload has 5 bytes');
    expect(reasonOf({ encoding: 'lz4' }, 0)).toContain('encoding');
  });

  it('without header, with none that is JSON, a too long one or a foreign key is refused', () => {
    const decode = (header: string | undefined, key?: string): string => {
      const record = { header, payloadBytes: rawChunkBytes, ...(key === undefined ? {} : { key }) };
      const decoded = decodeChunk(record);
      return decoded.kind === 'malformed' ? decoded.reason : 'none';
    };
    expect(decode(undefined)).toBe('chunk: has no header windrow-chunk');
    expect(decode('{')).toMatch(/^chunk: /);
    expect(decode(' '.repeat(chunkHeaderBytesMax + 1))).toContain('longer than');
    expect(decode(encodeChunkHeader(made()), 'other/0')).toBe("chunk: the key is not the block's");
  });

  it('never makes the decoder throw', () => {
    fc.assert(
      fc.property(fc.anything(), fc.nat(), (value, payloadBytes) => {
        const header = JSON.stringify(value) as string | undefined;
        expect(decodeChunk({ header, payloadBytes }).kind).toBe('malformed');
      }),
    );
  });
});

describe('a file in blocks, a block in chunks', () => {
  it('has each of its bytes in one place, in order', () => {
    const sizes = fc.record({
      sizeBytes: fc.integer({ min: 0, max: 2 ** 42 }),
      blockBytes: fc.integer({ min: mib, max: 1024 * mib }),
    });
    fc.assert(
      fc.property(sizes, (file) => {
        const blocks = blockCount(file.sizeBytes, file.blockBytes);
        expect(blockSpan(file, 0).start).toBe(0);
        expect(blockSpan(file, blocks - 1).end).toBe(file.sizeBytes);
        if (blocks > 1)
          expect(blockSpan(file, blocks - 2).end).toBe(blockSpan(file, blocks - 1).start);
        const { start, end } = blockSpan(file, blocks - 1);
        const chunks = chunkCount(end - start);
        const last = chunkSpan(end - start, chunks - 1);
        expect(last.end).toBe(end - start);
        expect(file.sizeBytes === 0 || last.end > last.start).toBe(true);
      }),
    );
  });

  it('of no bytes is one empty block of one empty chunk', () => {
    expect(blockCount(0, mib)).toBe(1);
    expect(chunkCount(0)).toBe(1);
    const empty = { file_size_bytes: 0, total_blocks: 1, end_offset: 0, raw_bytes: 0 };
    expect(reasonOf({ ...empty, last: { sha256: 'b'.repeat(64) } }, 0)).toBe('none');
    const named = (engine: string) => ({ ...empty, last: { sha256: 'b'.repeat(64), engine } });
    expect(reasonOf(named('simd4'), 0)).toBe('none');
    expect(reasonOf(named('a"b\n'), 0)).toContain('last.engine: ');
  });
});
