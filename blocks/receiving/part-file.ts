/**
 * A block on its way: a file in the work folder that grows chunk by chunk and is hashed meanwhile.
 * Synchronous, as it runs on threads that do nothing else.
 *
 * Invariant: `hashedBytes` of the file are written and in the hash, in order, and not written again. A
 * call that failed for the disk's sake changed nothing of that and may be made again. Only a sync that
 * failed is the end of the part: the system then takes for written what the disk may not have, and the
 * next sync would say that all is well. So is another program that changed the file or took it away:
 * what was verified is what is stored.
 */
import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  fdatasyncSync,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { systemCodeOf } from '../../runtime/errors.ts';
import { makeFolderDurably, syncFolder, writeFileDurably } from '../../runtime/durable-file.ts';
import { release } from '../../runtime/release.ts';
import type { StageTimes } from '../../runtime/stage-times.ts';
import { decompressFrame } from '../../native/lz4.ts';
import type { EngineName } from '../../native/sha256/engine.ts';
import type { STAGES } from './stages.ts';

/** By which blocks are verified: one stream at a time, and for that it is the fastest, with the CPU's own instructions or without. */
export const receivingEngine = 'openssl' satisfies EngineName;

/**
 * A verified file is dated back by so much, so that whoever writes to it afterwards dates it anew: two
 * writes within one step of a clock, 10 ms or of some file systems 2 s, would have one date.
 */
const datedBackMs = 10_000;
/** The coarsest step in which a file system keeps dates, FAT's: a date between two would come back as another. */
const datesMs = 2_000;

/** What came is not what was sent, or is gone: the block has to be sent again. */
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

type Times = StageTimes<(typeof STAGES)[number]>;

export class PartFile {
  readonly #path: string;
  readonly #times: Times;
  readonly #hash = createHash('sha256');
  #fd: number | undefined;
  #hashedBytes = 0;
  #sha256: string | undefined;
  /** The file as it was verified. */
  #verified: BigIntStats | undefined;
  #isMoved = false;
  /** A sync failed. */
  #isDoubtful = false;

  /** @param times what its stages take is added to these */
  constructor(path: string, times: Times) {
    this.#path = path;
    this.#times = times;
    this.#fd = openMakingFolder(path);
  }

  /** @throws BadBlockError; what the system says when it cannot be written */
  write(chunk: PartChunk, payload: Uint8Array): void {
    this.#times.timed('unpack', () => assertAsSent(chunk, payload));
    if (chunk.encoding === 'raw') return this.#take(chunk, payload);
    const raw = this.#times.timed('unpack', () => unpacked(payload, chunk.rawBytes));
    try {
      this.#take(chunk, raw);
    } finally {
      release(raw);
    }
  }

  #take({ offset, rawBytes }: PartChunk, raw: Uint8Array): void {
    if (raw.length !== rawBytes) {
      throw new BadBlockError(`a chunk has ${raw.length} bytes instead of ${rawBytes}`);
    }
    // The end of an empty block is hashed already when it comes again, though no byte is.
    if (this.#sha256 !== undefined || offset !== this.#hashedBytes) return;
    this.#times.timed('write', () => this.#writeAll(raw, offset));
    this.#times.timed('hash', () => this.#hash.update(raw));
    this.#hashedBytes += raw.length;
  }

  /** The block is whole, and on the disk. @throws BadBlockError, or what the system says; then a BadBlockError */
  verify(sha256: string): void {
    this.#sha256 ??= this.#hash.digest('hex');
    if (this.#sha256 !== sha256) throw new BadBlockError('the SHA-256 of the block is another');
    if (this.#isDoubtful) throw new BadBlockError('the disk did not confirm the block');
    const fd = this.#fd;
    if (fd === undefined) return;
    this.#isDoubtful = true;
    this.#times.timed('sync', () => fdatasyncSync(fd));
    this.#isDoubtful = false;
    this.#verified ??= datedBack(fd);
  }

  /**
   * Puts the verified block where it belongs, for good.
   * @throws BadBlockError; what the system says; verify it again before the next try
   */
  store(target: BlockTarget): void {
    try {
      this.#times.timed('sync', () => this.#store(target));
    } catch (error) {
      this.#isDoubtful ||= isFailedSync(error);
      throw error;
    }
  }

  #store({ folder, path, metadataPath, metadata }: BlockTarget): void {
    if (!this.#isMoved) this.#assertAsVerified();
    this.#close();
    makeFolderDurably(folder);
    // Before the block: whoever finds one finds its metadata beside it, also where a receiver was killed.
    writeFileDurably(metadataPath, metadata);
    if (!this.#isMoved) renameSync(this.#path, path);
    this.#isMoved = true;
    syncFolder(folder);
  }

  #assertAsVerified(): void {
    const now = lstatSync(this.#path, { bigint: true, throwIfNoEntry: false });
    if (now === undefined) throw new BadBlockError(`${otherProgram} took the block's file away`);
    const then = this.#verified;
    if (then?.ino === now.ino && then.size === now.size && then.mtimeNs === now.mtimeNs) return;
    throw new BadBlockError(`${otherProgram} changed the block's file`);
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

const otherProgram = 'a module or another program';

/** Programs that clean up what is old may have taken the folder away. @throws what the system says */
function openMakingFolder(path: string): number {
  try {
    return openSync(path, 'w', 0o600);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
    makeFolder(dirname(path));
    return openSync(path, 'w', 0o600);
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another thread was faster.
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
}

/** As on shares whose files are another user's. */
const cannotDate: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'ENOSYS', 'ENOTSUP']);

function datedBack(fd: number): BigIntStats {
  const seconds = Math.floor((Date.now() - datedBackMs) / datesMs) * (datesMs / 1_000);
  try {
    futimesSync(fd, seconds, seconds);
  } catch (error) {
    // The date that it has does as well, but for that one step of the clock.
    if (!cannotDate.has(systemCodeOf(error))) throw error;
  }
  return fstatSync(fd, { bigint: true });
}

function isFailedSync(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'fsync';
}

function assertAsSent({ crc32: expected }: PartChunk, payload: Uint8Array): void {
  if (crc32(payload).toString(16).padStart(8, '0') === expected) return;
  throw new BadBlockError('the checksum of a chunk is another');
}

function unpacked(payload: Uint8Array, rawBytes: number): Buffer {
  try {
    return decompressFrame(payload, rawBytes);
  } catch (error) {
    throw new BadBlockError('a chunk cannot be decompressed', { cause: error });
  }
}
