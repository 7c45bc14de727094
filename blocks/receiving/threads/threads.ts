/** The threads that write blocks. They start with the first block and end with `close`; a part stays with one thread. */
import type { Worker } from 'node:worker_threads';
import { WindrowError } from '../../../runtime/errors.ts';
import { addStages, StageTimes } from '../../../runtime/stage-times.ts';
import { startWorker } from '../../../runtime/worker.ts';
import type { PayloadBuffers } from '../payload-buffers.ts';
import { BadBlockError, type BlockTarget, type PartChunk } from '../part-file.ts';
import { type Done, STAGES } from '../stages.ts';
import type { Order, OrderMessage, Outcome, OutcomeMessage } from './protocol.ts';

/** One hashes and decompresses faster than a usual network brings; two keep a slow sync from holding up all. */
const threadsMax = 2;
/** A thread holds a chunk; one that needs more is broken. */
const heapMibMax = 64;
/** What it decompressed is collected the sooner the smaller this is. */
const youngHeapMib = 1;
/** What a sender waits before it tries again on a disk that is full. */
const diskRetryMs = 10_000;

interface Thread {
  readonly worker: Worker;
  /** By the number of their orders. */
  readonly waiting: Map<number, (outcome: Outcome) => void>;
  parts: number;
  done: Done;
}

const nothing: Done = { rawBytes: 0, stages: new StageTimes(STAGES).soFar };

export class BlockThreads {
  readonly #buffers: PayloadBuffers;
  #threads: Thread[] = [];
  #lastNo = 0;
  /** Of threads that have ended. */
  #done = nothing;

  constructor(buffers: PayloadBuffers) {
    this.#buffers = buffers;
  }

  /** Opens a part, on the thread that has the fewest. @throws WindrowError, retryable, when the file cannot be made */
  async open(path: string): Promise<Part> {
    const thread = this.#freest();
    thread.parts += 1;
    this.#lastNo += 1;
    const own = { no: this.#lastNo, path, buffers: this.#buffers };
    const part = new Part(own, (order) => this.#ask(thread, order));
    try {
      await part.open();
    } catch (error) {
      thread.parts -= 1;
      throw error;
    }
    return part;
  }

  /** Since the start. */
  get done(): Done {
    return this.#threads.map(({ done }) => done).reduce(sumOf, this.#done);
  }

  /** Ends the threads; what was on its way is gone. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #freest(): Thread {
    const free = this.#threads.find(({ parts }) => parts === 0);
    if (free !== undefined) return free;
    if (this.#threads.length < threadsMax) return this.#start();
    return this.#threads.reduce((best, other) => (other.parts < best.parts ? other : best));
  }

  #start(): Thread {
    const worker = startWorker(new URL('./thread.ts', import.meta.url), {
      resourceLimits: {
        maxOldGenerationSizeMb: heapMibMax,
        maxYoungGenerationSizeMb: youngHeapMib,
      },
    });
    const thread: Thread = { worker, waiting: new Map(), parts: 0, done: nothing };
    worker.on('message', ({ no, outcome, done, buffer }: OutcomeMessage) => {
      thread.done = done;
      if (buffer !== undefined) this.#buffers.giveBack(buffer);
      thread.waiting.get(no)?.(outcome);
      thread.waiting.delete(no);
    });
    // An error is followed by an exit.
    worker.on('error', () => {});
    worker.on('exit', () => {
      this.#threads = this.#threads.filter((other) => other !== thread);
      this.#done = sumOf(this.#done, thread.done);
      for (const answer of thread.waiting.values()) answer(lost);
      thread.waiting.clear();
    });
    this.#threads.push(thread);
    return thread;
  }

  #ask(thread: Thread, order: Order): Promise<Outcome> {
    if (!this.#threads.includes(thread)) return Promise.resolve(lost);
    this.#lastNo += 1;
    const message: OrderMessage = { no: this.#lastNo, order };
    const isLast = order.kind === 'drop' || order.kind === 'store';
    return new Promise((resolve) => {
      thread.waiting.set(message.no, (outcome) => {
        if (isLast && outcome.kind === 'done') thread.parts -= 1;
        resolve(outcome);
      });
      thread.worker.postMessage(message, transferred(order));
    });
  }
}

function sumOf(one: Done, other: Done): Done {
  return {
    rawBytes: one.rawBytes + other.rawBytes,
    stages: addStages(one.stages, other.stages),
  };
}

/** The thread ended, and the part with it. */
const lost: Outcome = { kind: 'bad', reason: 'the receiver lost what it had of the block' };

interface PartOptions {
  readonly no: number;
  readonly path: string;
  readonly buffers: PayloadBuffers;
}

/** A part on its thread. Orders are carried out one after the other. */
export class Part {
  readonly #own: PartOptions;
  readonly #ask: (order: Order) => Promise<Outcome>;

  constructor(own: PartOptions, ask: (order: Order) => Promise<Outcome>) {
    this.#own = own;
    this.#ask = ask;
  }

  /** Of the file in which it grows. */
  get path(): string {
    return this.#own.path;
  }

  /** @throws WindrowError, retryable */
  async open(): Promise<void> {
    assertDone(await this.#ask({ kind: 'open', part: this.#own.no, path: this.path }));
  }

  /**
   * Takes the payload away, where it is in one of our buffers; else copies it.
   * @throws BadBlockError; WindrowError, retryable, when the disk does not take it
   */
  async write(chunk: PartChunk, payload: Uint8Array): Promise<void> {
    const own = this.#own.buffers.own(payload);
    assertDone(await this.#ask({ kind: 'write', part: this.#own.no, chunk, payload: own }));
  }

  /** @throws BadBlockError; WindrowError, retryable */
  async verify(sha256: string): Promise<void> {
    assertDone(await this.#ask({ kind: 'verify', part: this.#own.no, sha256 }));
  }

  /** @throws BadBlockError; WindrowError, retryable */
  async store(target: BlockTarget): Promise<void> {
    assertDone(await this.#ask({ kind: 'store', part: this.#own.no, target }));
  }

  async drop(): Promise<void> {
    await this.#ask({ kind: 'drop', part: this.#own.no });
  }
}

function transferred(order: Order): ArrayBuffer[] {
  return order.kind === 'write' ? [order.payload.buffer] : [];
}

/** Codes of a disk on which there is no room, or none for this user. */
const noRoom: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

function assertDone(outcome: Outcome): void {
  if (outcome.kind === 'done') return;
  if (outcome.kind === 'bad') throw new BadBlockError(outcome.reason);
  const isFull = noRoom.has(outcome.code);
  throw new WindrowError(
    isFull ? 'no_room' : 'store_unavailable',
    isFull ? 'the disk is full' : `the block cannot be written: ${outcome.reason}`,
    { retryable: true, retryAfterMs: diskRetryMs },
  );
}
