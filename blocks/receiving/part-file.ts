/**
 * A block on its way: a file in the work folder that grows chunk by chunk and is hashed meanwhile.
 * Synchronous, as it runs on threads that do nothing else.
 *
 * Invariant: `hashedBytes` of the file are written and in the hash, in order. A call that failed for
 * the disk's sake changed nothing of that and may be made again.
 */
import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { makeFolderDurably, writeFileDurably } from '../../runtime/durable-file.ts';
import { decompressFrame } from '../../native/lz4.ts';

/** What came is not what was sent: the block has to be sent again. */
export class BadBlockError extends Error {
  override readonly name = 'BadBlockError';
}

export interface PartChunk {
  /** In the block. */
  readonly offset: number;
  readonly rawBytes: number;
  readonly encoding: 'raw' | 'lz4';
  /** Eight hex digits, of the payload. */
  readonly crc32: string;
}

export interface BlockTarget {
  readonly folder: string;
  readonly path: string;
  readonly metadataPath: string;
  /** JSON. */
  readonly metadata: string;
}

export class PartFile {
  readonly #path: string;
  // One stream at a time: for that OpenSSL's is the fastest there is, with the CPU's own instructions or without.
  readonly #hash = createHash('sha256');
  #fd: number | undefined;
  #hashedBytes = 0;
  #sha256: string | undefined;
  #isMoved = false;

  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, 'w', 0o600);
  }

  /** @throws BadBlockError; what the system says when it cannot be written */
  write(chunk: PartChunk, payload: Uint8Array): void {
    const raw = rawOf(chunk, payload);
    this.#writeAll(raw, chunk.offset);
    if (chunk.offset !== this.#hashedBytes) return;
    this.#hash.update(raw);
    this.#hashedBytes += raw.length;
  }

  /** The block is whole, and on the disk. @throws BadBlockError, or what the system says */
  verify(sha256: string): void {
    this.#sha256 ??= this.#hash.digest('hex');
    if (this.#sha256 !== sha256) throw new BadBlockError('the SHA-256 of the block is another');
    if (this.#fd !== undefined) fdatasyncSync(this.#fd);
  }

  /** Puts the verified block where it belongs, for good. @throws what the system says */
  store({ folder, path, metadataPath, metadata }: BlockTarget): void {
    this.#close();
    makeFolderDurably(folder);
    if (!this.#isMoved) renameSync(this.#path, path);
    this.#isMoved = true;
    // Its sync of the folder keeps the block's new name too.
    writeFileDurably(metadataPath, metadata);
  }

  drop(): void {
    this.#close();
    if (!this.#isMoved) rmSync(this.#path, { force: true });
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #writeAll(bytes: Uint8Array, position: number): void {
    if (this.#fd === undefined) return;
    // On a disk that fills up one write takes a part, and the next says why.
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, position + done);
    }
  }
}

function rawOf(chunk: PartChunk, payload: Uint8Array): Uint8Array {
  if (crc32(payload).toString(16).padStart(8, '0') !== chunk.crc32) {
    throw new BadBlockError('the checksum of a chunk is another');
  }
  const raw = chunk.encoding === 'raw' ? payload : unpacked(payload, chunk.rawBytes);
  if (raw.length === chunk.rawBytes) return raw;
  throw new BadBlockError(`a chunk has ${raw.length} bytes instead of ${chunk.rawBytes}`);
}

function unpacked(payload: Uint8Array, rawBytes: number): Uint8Array {
  try {
    return decompressFrame(payload, rawBytes);
  } catch (error) {
    throw new BadBlockError('a chunk cannot be decompressed', { cause: error });
  }
}
