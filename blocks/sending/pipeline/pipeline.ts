/**
 * Reads blocks, hashes and compresses them, in threads of their own.
 *
 * What always holds: of a block at most `buffersPerLane` chunks are in memory, those that the
 * consumer holds included; a chunk's buffer goes back when the consumer asks for the next one. So
 * a slow receiver stops the reading, and memory does not grow with files or blocks.
 */
import type { EngineName } from '../../../native/sha256/engine.ts';
import { WindrowError } from '../../../runtime/errors.ts';
import { addStages } from '../../../runtime/stage-times.ts';
import {
  type BlockJob,
  type BlockReader,
  FileChangedError,
  UnreadableError,
} from '../block-reader.ts';
import type { PreparedChunk } from '../plan.ts';
import type { Done } from '../stages.ts';
import { lanesPerWorker } from './messages.ts';
import { type Lane, type LaneMessage, Thread } from './thread.ts';

/** Each takes some 35 MB, and the sending process is to stay below 200; three outrun the networks that there are. */
export const workersMax = 3;

export interface PipelineOptions {
  readonly engine: EngineName;
  /** Threads, up to `workersMax`. */
  readonly workers: number;
}

export class Pipeline implements BlockReader, AsyncDisposable {
  readonly blocksAtOnce: number;
  readonly engine: EngineName;
  readonly #threads: readonly Thread[];

  private constructor(engine: EngineName, threads: readonly Thread[]) {
    this.engine = engine;
    this.#threads = threads;
    this.blocksAtOnce = threads.length * lanesPerWorker;
  }

  static async open({ engine, workers }: PipelineOptions): Promise<Pipeline> {
    const threads: Thread[] = [];
    const ready = Array.from({ length: Math.min(workers, workersMax) }, () => {
      return new Promise<void>((resolve, reject) => {
        threads.push(new Thread(engine, resolve, reject));
      });
    });
    const pipeline = new Pipeline(engine, threads);
    try {
      await Promise.all(ready);
      return pipeline;
    } catch (error) {
      await pipeline.close();
      throw error;
    }
  }

  /** Of all threads together. */
  get done(): Done {
    return this.#threads.map(({ done }) => done).reduce(sumOf);
  }

  async *read(job: BlockJob, signal: AbortSignal): AsyncGenerator<PreparedChunk, void, void> {
    const lane = this.#takeLane();
    const onAbort = (): void => lane.wake();
    signal.addEventListener('abort', onAbort);
    let isOver = false;
    try {
      lane.thread.post({ kind: 'begin', lane: lane.index, job });
      while (!isOver) {
        const message = await lane.next(signal);
        if (message === undefined) throw lane.thread.fault ?? wasAborted();
        isOver = isLast(message);
        const chunk = chunkOf(message);
        try {
          yield chunk;
        } finally {
          lane.giveBack(chunk);
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (!isOver) await lane.giveUp();
      lane.thread.free.push(lane);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Of the thread that has most to spare. */
  #takeLane(): Lane {
    const [thread] = this.#threads.toSorted((a, b) => b.free.length - a.free.length);
    const lane = thread?.free.pop();
    if (lane === undefined) throw new Error('more blocks than the pipeline reads at once');
    return lane;
  }
}

/** Of the lane's block. */
function isLast(message: LaneMessage): boolean {
  return message.kind !== 'chunk' || message.chunk.sha256 !== undefined;
}

/** @throws FileChangedError, UnreadableError */
function chunkOf(message: LaneMessage): PreparedChunk {
  if (message.kind === 'chunk') return message.chunk;
  if (message.kind === 'unreadable') throw new UnreadableError(message.reason);
  throw new FileChangedError('changed while it was read');
}

function wasAborted(): WindrowError {
  return new WindrowError('aborted', 'the reading was aborted');
}

function sumOf(one: Done, other: Done): Done {
  return {
    readBytes: one.readBytes + other.readBytes,
    payloadBytes: one.payloadBytes + other.payloadBytes,
    stages: addStages(one.stages, other.stages),
  };
}
