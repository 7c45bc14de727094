/** The port from which a sender has the chunks of blocks. */
import type { EngineName } from '../../native/sha256/engine.ts';
import type { FileVersion, PreparedChunk } from './plan.ts';
import type { Done } from './stages.ts';

export interface BlockJob {
  readonly path: string;
  /** Bytes of any other version are no part of this block. */
  readonly version: FileVersion;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface BlockReader {
  /** How many blocks may be read at the same time. */
  readonly blocksAtOnce: number;
  /** By which it hashes them. */
  readonly engine: EngineName;
  /** What its threads have done so far. */
  readonly done: Done;
  /**
   * The chunks of a block, in order. A chunk is good until the next is asked for.
   * @throws FileChangedError, UnreadableError; WindrowError `aborted`
   */
  read(job: BlockJob, signal: AbortSignal): AsyncGenerator<PreparedChunk, void, void>;
}

/** The file is not the version that was to be read. */
export class FileChangedError extends Error {
  override readonly name = 'FileChangedError';
}

/** The file cannot be read, for the reason that is the message. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
}
