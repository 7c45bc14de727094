/** A thread of the pipeline and its lanes, as seen from the thread that sends. */
import type { Worker } from 'node:worker_threads';
import type { EngineName } from '../../../native/sha256/engine.ts';
import { StageTimes } from '../../../runtime/stage-times.ts';
import { startWorker } from '../../../runtime/worker.ts';
import type { PreparedChunk } from '../plan.ts';
import { type Done, STAGES } from '../stages.ts';
import { type FromWorker, lanesPerWorker, type ToWorker } from './messages.ts';

/** It keeps some descriptors and messages; its buffers are not in the heap. */
const resourceLimits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 };

export type LaneMessage = Exclude<FromWorker, { kind: 'ready' }>;

export class Lane {
  readonly thread: Thread;
  readonly index: number;
  readonly #come: LaneMessage[] = [];
  #wake: (() => void) | undefined;

  constructor(thread: Thread, index: number) {
    this.thread = thread;
    this.index = index;
  }

  put(message: LaneMessage): void {
    this.#come.push(message);
    this.wake();
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Undefined when the thread has ended, or the signal has aborted. */
  async next(signal: AbortSignal): Promise<LaneMessage | undefined> {
    while (this.#come.length === 0 && !signal.aborted && this.thread.fault === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return signal.aborted ? undefined : this.#come.shift();
  }

  /** Chunks of the block are on their way, whose buffers the thread needs again. */
  async giveUp(): Promise<void> {
    const { signal: never } = new AbortController();
    this.thread.post({ kind: 'end', lane: this.index });
    let message = await this.next(never);
    while (message !== undefined && message.kind !== 'ended') {
      if (message.kind === 'chunk') this.giveBack(message.chunk);
      message = await this.next(never);
    }
  }

  giveBack({ payload: { buffer } }: PreparedChunk): void {
    this.thread.post({ kind: 'give-back', lane: this.index, buffer }, [buffer]);
  }
}

export class Thread {
  readonly lanes: readonly Lane[];
  readonly free: Lane[];
  done: Done = { readBytes: 0, payloadBytes: 0, stages: new StageTimes(STAGES).soFar };
  fault: Error | undefined;
  readonly #worker: Worker;

  constructor(engine: EngineName, onReady: () => void, onFault: (error: Error) => void) {
    this.lanes = Array.from({ length: lanesPerWorker }, (_, index) => new Lane(this, index));
    this.free = [...this.lanes];
    this.#worker = startWorker(new URL('./worker.ts', import.meta.url), {
      workerData: { engine },
      resourceLimits,
    });
    this.#worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') return onReady();
      if (message.kind === 'chunk') this.done = message.done;
      this.lanes[message.lane]?.put(message);
    });
    const ended = (error: Error): void => {
      this.fault ??= error;
      onFault(this.fault);
      for (const lane of this.lanes) lane.wake();
    };
    this.#worker.on('error', ended);
    this.#worker.on('exit', () => ended(new Error('a thread that reads files has ended')));
  }

  post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
