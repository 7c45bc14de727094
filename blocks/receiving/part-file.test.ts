import { createHash } from 'node:crypto';
import fs, {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { compressFrame } from '../../native/lz4.ts';
import { StageTimes } from '../../runtime/stage-times.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { rawChunkBytes } from '../../wire/limits.ts';
import { BadBlockError, type PartChunk, PartFile } from './part-file.ts';
import { STAGES } from './stages.ts';
import { contentOf, crc32Of } from './testing/made-file.ts';

let folder = '';
let part: PartFile;
beforeEach(() => {
  folder = temporaryFolder();
  part = new PartFile(join(folder, 'part'), new StageTimes(STAGES));
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function lz4Chunk(payload: Uint8Array, rawBytes: number): PartChunk {
  return { offset: 0, rawBytes, encoding: 'lz4', crc32: crc32Of(payload) };
}

function rawChunk(payload: Uint8Array, offset = 0): PartChunk {
  return { offset, rawBytes: payload.length, encoding: 'raw', crc32: crc32Of(payload) };
}

function target(name: string) {
  const at = join(folder, 'out', name);
  return { folder: join(folder, 'out'), path: at, metadataPath: `${at}.json`, metadata: '{}\n' };
}

/** As editors do: another file under its name. @param dates that this one gets */
function replace(path: string, content: Buffer, dates?: Stats): void {
  writeFileSync(`${path}.new`, content);
  if (dates !== undefined) utimesSync(`${path}.new`, dates.atime, dates.mtime);
  renameSync(`${path}.new`, path);
}

function lengthen(path: string, dates: Stats): void {
  appendFileSync(path, 'x');
  utimesSync(path, dates.atime, dates.mtime);
}

it('a block of stored and compressed chunks comes out whole', () => {
  const text = Buffer.from('the same line again\n'.repeat(2_000));
  const noise = contentOf(5_000);
  const packed = compressFrame(text);
  part.write(lz4Chunk(packed, text.length), packed);
  part.write(rawChunk(noise, text.length), noise);
  part.verify(sha256(Buffer.concat([text, noise])));
  part.store(target('block'));
  expect(readFileSync(join(folder, 'out', 'block'))).toEqual(Buffer.concat([text, noise]));
  expect(readFileSync(join(folder, 'out', 'block.json'), 'utf8')).toBe('{}\n');
  expect(existsSync(join(folder, 'part'))).toBe(false);
});

it('a chunk that is written again, as after a full disk, is hashed once', () => {
  const noise = contentOf(5_000);
  part.write(rawChunk(noise), noise);
  part.write(rawChunk(noise), noise);
  part.verify(sha256(noise));
  part.verify(sha256(noise));
});

it.each([5_000, 0])(
  'storing that failed may be tried again, its last chunk taken once more: a block of %i bytes',
  (sizeBytes) => {
    const noise = contentOf(sizeBytes);
    part.write(rawChunk(noise), noise);
    part.verify(sha256(noise));
    const good = target('block');
    const bad = { ...good, metadataPath: join(folder, 'none', 'x') };
    expect(() => part.store(bad)).toThrow('ENOENT');
    part.write(rawChunk(noise), noise);
    part.verify(sha256(noise));
    part.store(good);
    expect(existsSync(good.metadataPath)).toBe(true);
  },
);

it('a block is never there without its metadata, also when the receiver is killed in between', () => {
  const noise = contentOf(5_000);
  part.write(rawChunk(noise), noise);
  part.verify(sha256(noise));
  const block = target('block');
  // A folder that is not empty cannot be replaced by a file.
  mkdirSync(join(block.path, 'old'), { recursive: true });
  expect(() => part.store(block)).toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/);
  expect(readFileSync(block.metadataPath, 'utf8')).toBe('{}\n');
  rmSync(block.path, { recursive: true });
  part.store(block);
  expect(readFileSync(block.path)).toEqual(noise);
});

it('a chunk that comes again with other bytes changes nothing of what was verified', () => {
  const [noise, other] = [contentOf(5_000), contentOf(5_000, 2)];
  part.write(rawChunk(noise), noise);
  part.write(rawChunk(other), other);
  part.verify(sha256(noise));
  part.write(rawChunk(other), other);
  part.store(target('block'));
  expect(readFileSync(join(folder, 'out', 'block'))).toEqual(noise);
});

it.each<[string, RegExp, (path: string) => void]>([
  ['shortened', /changed/, (path) => truncateSync(path, 10)],
  ['lengthened under its date', /changed/, (path) => lengthen(path, statSync(path))],
  ['overwritten, as long as it was', /changed/, (path) => writeFileSync(path, contentOf(50, 2))],
  ['replaced', /changed/, (path) => replace(path, contentOf(50, 2))],
  ['replaced under its date', /changed/, (path) => replace(path, contentOf(50, 2), statSync(path))],
  ['taken away', /took .* away/, (path) => rmSync(path)],
])('a block is not stored whose file was %s after it was verified', (_, reason, change) => {
  const noise = contentOf(50);
  part.write(rawChunk(noise), noise);
  part.verify(sha256(noise));
  change(join(folder, 'part'));
  const block = target('block');
  expect(() => part.store(block)).toThrow(BadBlockError);
  expect(() => part.store(block)).toThrow(reason);
  expect(existsSync(block.folder)).toBe(false);
  part.drop();
  expect(existsSync(join(folder, 'part'))).toBe(false);
});

it('a verified file has a date that no write of the same moment gives it', () => {
  const noise = contentOf(50);
  part.write(rawChunk(noise), noise);
  part.verify(sha256(noise));
  expect(Date.now() - statSync(join(folder, 'part')).mtimeMs).toBeGreaterThanOrEqual(5_000);
});

it('a verified file has a date that every file system keeps as it is: an even second', () => {
  const noise = contentOf(50);
  part.write(rawChunk(noise), noise);
  vi.spyOn(Date, 'now').mockReturnValue(1_800_000_003_999);
  onTestFinished(() => void vi.restoreAllMocks());
  part.verify(sha256(noise));
  const { mtimeNs } = statSync(join(folder, 'part'), { bigint: true });
  expect(mtimeNs).toBe(1_799_999_992n * 1_000_000_000n);
});

it('a block may be read, and linked to, before it is stored', () => {
  const noise = contentOf(50);
  part.write(rawChunk(noise), noise);
  part.verify(sha256(noise));
  expect(readFileSync(join(folder, 'part'))).toEqual(noise);
  linkSync(join(folder, 'part'), join(folder, 'link'));
  part.store(target('block'));
  expect(readFileSync(join(folder, 'link'))).toEqual(noise);
});

it('a folder of parts that was cleaned away is made again, and no folder above it', () => {
  const parts = join(folder, 'work', 'parts');
  const open = () => new PartFile(join(parts, '1'), new StageTimes(STAGES));
  expect(open).toThrow('ENOENT');
  mkdirSync(join(folder, 'work'));
  open().drop();
  expect(existsSync(parts)).toBe(true);
});

it('a folder of parts that another thread makes at the same moment is as good', () => {
  const real = fs.mkdirSync;
  vi.spyOn(fs, 'mkdirSync').mockImplementation((path, options) => {
    real(path, options);
    return real(path, options);
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  const path = join(folder, 'parts', '1');
  new PartFile(path, new StageTimes(STAGES)).drop();
  expect(existsSync(join(folder, 'parts'))).toBe(true);
});

it('a block whose folder could not be synced is not stored by the next try: it is sent again', () => {
  const noise = contentOf(5_000);
  part.write(rawChunk(noise), noise);
  part.verify(sha256(noise));
  const block = target('block');
  mkdirSync(block.folder);
  const real = fs.fsyncSync;
  // The metadata's file, its folder; then the block's folder.
  let syncsLeft = 2;
  vi.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
    syncsLeft -= 1;
    if (syncsLeft >= 0) return real(fd);
    throw Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'fsync' });
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  expect(() => part.store(block)).toThrow('EIO');
  expect(existsSync(block.path)).toBe(true);
  expect(() => part.verify(sha256(noise))).toThrow(BadBlockError);
});

it('a part whose sync failed is never verified: the next sync would say that all is well', () => {
  // Of a pipe or a device nothing can be synced.
  symlinkSync('/dev/null', join(folder, 'unsynced'));
  const unsynced = new PartFile(join(folder, 'unsynced'), new StageTimes(STAGES));
  const noise = contentOf(5_000);
  unsynced.write(rawChunk(noise), noise);
  expect(() => unsynced.verify(sha256(noise))).toThrow('EINVAL');
  expect(() => unsynced.verify(sha256(noise))).toThrow(BadBlockError);
  unsynced.drop();
});

describe('a chunk is refused', () => {
  it('that becomes more than it says: a bomb of 250 MB is not unpacked', () => {
    const bomb = compressFrame(Buffer.alloc(250_000_000));
    const before = process.memoryUsage().rss;
    expect(() => part.write(lz4Chunk(bomb, rawChunkBytes), bomb)).toThrow(BadBlockError);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });

  it('that becomes less than it says', () => {
    const packed = compressFrame(Buffer.alloc(5_000));
    expect(() => part.write(lz4Chunk(packed, 6_000), packed)).toThrow('5000 bytes instead of 6000');
  });

  it('that is no frame, or is cut off', () => {
    const noise = contentOf(500);
    expect(() => part.write(lz4Chunk(noise, 1_000), noise)).toThrow('cannot be decompressed');
    const cut = compressFrame(Buffer.alloc(5_000)).subarray(0, -6);
    expect(() => part.write(lz4Chunk(cut, 5_000), cut)).toThrow(BadBlockError);
  });

  it('whose checksum is another', () => {
    const noise = contentOf(500);
    const lying = { ...rawChunk(noise), crc32: '00000001' };
    expect(() => part.write(lying, noise)).toThrow('the checksum of a chunk is another');
  });
});

it('what was decompressed is given back chunk by chunk, not when it is collected', () => {
  const text = Buffer.alloc(rawChunkBytes, 'the same line again\n');
  const packed = compressFrame(text);
  const before = process.memoryUsage().external;
  for (let chunk = 0; chunk < 16; chunk += 1) {
    part.write({ ...lz4Chunk(packed, text.length), offset: chunk * text.length }, packed);
  }
  const { external } = process.memoryUsage();
  expect(external - before).toBeLessThan(4 * rawChunkBytes);
});
