/**
 * What a thread of the pipeline does, a step at a time: of each block a chunk is read, hashed and
 * compressed into a buffer, which goes to the other end and comes back.
 *
 * What always holds: a buffer is free here, or at the other end; and the last chunk of a block goes
 * out only when the file was the same version before the first byte was read and after the last.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { StageTimes } from '../../../runtime/stage-times.ts';
import { rawChunkBytes } from '../../../wire/limits.ts';
import { chunkCount, chunkSpan } from '../../../wire/records/block-shape.ts';
import type { BlockJob } from '../block-reader.ts';
import type { FileVersion } from '../plan.ts';
import { versionOf, whyUnreadable } from '../scan.ts';
import { STAGES } from '../stages.ts';
import type { Kernels } from './kernels.ts';
import { buffersPerLane, type FromWorker, lanesPerWorker, type ToWorker } from './messages.ts';

/** A pipe that took the file's place must not be waited for. Windows has no such flag. */
const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

interface Reading {
  readonly job: BlockJob;
  readonly fd: number;
  /** Of the block. */
  readonly chunks: number;
  /** The one that is read next. */
  chunk: number;
}

interface Lane {
  reading: Reading | undefined;
  readonly free: ArrayBuffer[];
  /** Made so far; only lanes that are used have any. */
  buffers: number;
}

/** A chunk that was read. */
interface Filled {
  readonly lane: number;
  readonly reading: Reading;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The file is not what it was when it was looked at. */
class ChangedError extends Error {
  override readonly name = 'ChangedError';
}

export class Lanes {
  readonly #kernels: Kernels;
  readonly #post: (message: FromWorker) => void;
  readonly #lanes: readonly Lane[];
  /** Read and hashed, in the order in which they go out. */
  #filled: readonly Filled[] = [];
  readonly #times = new StageTimes(STAGES);
  #readBytes = 0;
  #payloadBytes = 0;

  constructor(kernels: Kernels, post: (message: FromWorker) => void) {
    this.#kernels = kernels;
    this.#post = post;
    this.#lanes = Array.from({ length: lanesPerWorker }, () => ({
      reading: undefined,
      free: [],
      buffers: 0,
    }));
  }

  take(message: ToWorker): void {
    const lane = this.#lanes[message.lane];
    if (lane === undefined) return;
    if (message.kind === 'give-back') {
      lane.free.push(message.buffer);
    } else if (message.kind === 'end') {
      this.#forget(message.lane, lane);
      end(lane);
      this.#post({ kind: 'ended', lane: message.lane });
    } else {
      this.#guarded(message.lane, () => {
        lane.reading = begun(message.job);
        this.#kernels.hashes.reset(message.lane);
      });
    }
  }

  /**
   * Reads and hashes a chunk of each block for which there is a buffer, or compresses one of them: what
   * the library took for that is given back only between two steps. @returns whether there was any
   */
  step(): boolean {
    const [next, ...later] = this.#filled;
    if (next === undefined) return this.#fillAll();
    this.#filled = later;
    this.#guarded(next.lane, () => this.#finishOrKeep(next));
    return true;
  }

  #fillAll(): boolean {
    this.#filled = this.#lanes.flatMap((lane, index) => this.#fill(lane, index) ?? []);
    if (this.#filled.length === 0) return false;
    this.#times.timed('hash', () => {
      const pieces: (Uint8Array | undefined)[] = this.#lanes.map(() => undefined);
      for (const { lane, bytes } of this.#filled) pieces[lane] = bytes;
      this.#kernels.hashes.update(pieces);
    });
    return true;
  }

  /** What was read of a block that nobody wants. */
  #forget(index: number, { free }: Lane): void {
    for (const { lane, bytes } of this.#filled) if (lane === index) free.push(bytes.buffer);
    this.#filled = this.#filled.filter(({ lane }) => lane !== index);
  }

  #fill(lane: Lane, index: number): Filled | undefined {
    const { reading } = lane;
    const buffer = reading === undefined ? undefined : freeBuffer(lane);
    if (reading === undefined || buffer === undefined) return undefined;
    return this.#guarded(index, () => {
      try {
        const bytes = this.#times.timed('read', () => read(reading, buffer));
        this.#readBytes += bytes.length;
        return { lane: index, reading, bytes };
      } catch (error) {
        lane.free.push(buffer);
        throw error;
      }
    });
  }

  #finishOrKeep(filled: Filled): void {
    try {
      this.#finish(filled);
    } catch (error) {
      this.#lanes[filled.lane]?.free.push(filled.bytes.buffer);
      throw error;
    }
  }

  /** The chunk goes out, compressed where that makes it smaller. */
  #finish({ lane, reading, bytes }: Filled): void {
    const isLast = reading.chunk === reading.chunks - 1;
    if (isLast) checkVersion(reading.fd, reading.job.version);
    const payload = this.#times.timed('compress', () => this.#kernels.compress(bytes));
    const chunk = {
      chunk: reading.chunk,
      rawBytes: bytes.length,
      encoding: payload.length < bytes.length ? ('lz4' as const) : ('raw' as const),
      crc32: crc32(payload).toString(16).padStart(8, '0'),
      payload,
      sha256: isLast ? this.#kernels.hashes.digest(lane) : undefined,
    };
    this.#payloadBytes += payload.length;
    reading.chunk += 1;
    const own = this.#lanes[lane];
    if (isLast && own !== undefined) end(own);
    const bytesDone = { readBytes: this.#readBytes, payloadBytes: this.#payloadBytes };
    const done = { ...bytesDone, stages: this.#times.soFar };
    this.#post({ kind: 'chunk', lane, chunk, done });
  }

  /** What goes wrong ends this block alone. */
  #guarded<T>(index: number, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      const lane = this.#lanes[index];
      if (lane !== undefined) end(lane);
      if (error instanceof ChangedError) this.#post({ kind: 'changed', lane: index });
      else this.#post({ kind: 'unreadable', lane: index, reason: whyUnreadable(error) });
      return undefined;
    }
  }
}

/** @throws ChangedError, or what the system says */
function begun(job: BlockJob): Reading {
  const fd = openSync(job.path, openFlags);
  try {
    checkVersion(fd, job.version);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { job, fd, chunks: chunkCount(job.end - job.start), chunk: 0 };
}

function end(lane: Lane): void {
  if (lane.reading === undefined) return;
  closeSync(lane.reading.fd);
  lane.reading = undefined;
}

function freeBuffer(lane: Lane): ArrayBuffer | undefined {
  if (lane.free.length > 0 || lane.buffers === buffersPerLane) return lane.free.pop();
  lane.buffers += 1;
  return new ArrayBuffer(rawChunkBytes);
}

function read({ job, fd, chunk }: Reading, buffer: ArrayBuffer): Uint8Array<ArrayBuffer> {
  const { start, end } = chunkSpan(job.end - job.start, chunk);
  const bytes = new Uint8Array(buffer, 0, end - start);
  let done = 0;
  while (done < bytes.length) {
    const position = job.start + start + done;
    const count = readSync(fd, bytes, done, bytes.length - done, position);
    // Cut off while it was read.
    if (count === 0) throw new ChangedError();
    done += count;
  }
  return bytes;
}

function checkVersion(fd: number, expected: FileVersion): void {
  const stats = fstatSync(fd, { bigint: true });
  const { sizeBytes, mtimeNs, inode } = versionOf(stats);
  const isSame =
    stats.isFile() &&
    sizeBytes === expected.sizeBytes &&
    mtimeNs === expected.mtimeNs &&
    inode === expected.inode;
  if (!isSame) throw new ChangedError();
}
