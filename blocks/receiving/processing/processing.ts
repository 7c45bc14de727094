/**
 * Runs a person's own module on each verified block, one block at a time, on a thread of its own.
 * What goes wrong there is the block's failure and nobody else's; a thread that ended is started anew.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { messageOf, WindrowError } from '../../../runtime/errors.ts';
import { startWorker } from '../../../runtime/worker.ts';
import type { VerifiedBlock } from '../port.ts';
import type { BlockToProcess, ProcessingData, ThreadMessage } from './protocol.ts';

/** Of one block; a module that takes longer is taken for hanging. */
const processMsMax = 10 * 60_000;

/** Of the module's start: what it imports may be large. */
const loadMsMax = 60_000;

export interface ProcessingOptions {
  /** As the person wrote it. */
  readonly modulePath: string;
  readonly blockMsMax?: number;
}

export class Processing {
  readonly #module: string;
  readonly #blockMsMax: number;
  #thread: Promise<Worker> | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor({ modulePath, blockMsMax = processMsMax }: ProcessingOptions) {
    this.#module = pathToFileURL(resolve(modulePath)).href;
    this.#blockMsMax = blockMsMax;
  }

  /** Loads the module, so that a mistake in it shows before anything is received. @throws WindrowError `input` */
  async start(): Promise<void> {
    await this.#started();
  }

  /**
   * Resolves when the module has processed the block.
   * @throws what it threw, or that it hangs or has ended; WindrowError `aborted`, retryable, when it was closed meanwhile
   */
  process(block: VerifiedBlock): Promise<void> {
    const done = this.#tail.then(() => this.#processNow(toProcess(block)));
    this.#tail = done.catch(() => {});
    return done;
  }

  /** Ends the module, whatever it is doing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const thread = await this.#thread?.catch(() => undefined);
    await thread?.terminate();
  }

  async #processNow(block: BlockToProcess): Promise<void> {
    if (this.#isClosed) throw wasClosed();
    const thread = await this.#started();
    try {
      const message = await answerOf(thread, this.#blockMsMax, () => thread.postMessage(block));
      if (message.kind === 'failed') throw new Error(message.reason);
    } catch (error) {
      if (!(error instanceof ThreadGoneError)) throw error;
      this.#thread = undefined;
      await thread.terminate();
      throw this.#isClosed ? wasClosed() : error;
    }
  }

  #started(): Promise<Worker> {
    this.#thread ??= this.#start().catch((error: unknown) => {
      this.#thread = undefined;
      throw error;
    });
    return this.#thread;
  }

  async #start(): Promise<Worker> {
    const workerData: ProcessingData = { module: this.#module };
    const thread = startWorker(new URL('./thread.ts', import.meta.url), { workerData });
    // Without a listener an error of the module would end the whole program.
    thread.on('error', () => {});
    thread.once('exit', () => {
      this.#thread = undefined;
    });
    try {
      const message = await answerOf(thread, loadMsMax, () => {});
      if (message.kind === 'unusable') throw new Error(message.reason);
      return thread;
    } catch (error) {
      await thread.terminate();
      throw new WindrowError('input', `the module cannot be used: ${messageOf(error)}`, {
        hint: 'Name a module with --process whose default export is a function of one block.',
        cause: error,
      });
    }
  }
}

function wasClosed(): WindrowError {
  return new WindrowError('aborted', 'the module was ended with its receiver', { retryable: true });
}

class ThreadGoneError extends Error {
  override readonly name = 'ThreadGoneError';
}

/** The thread's next message after `ask`. @throws ThreadGoneError when it ends or takes too long */
function answerOf(thread: Worker, msMax: number, ask: () => void): Promise<ThreadMessage> {
  return new Promise((resolve, reject) => {
    const gone = (reason: string): void => {
      settle();
      reject(new ThreadGoneError(reason));
    };
    const onMessage = (message: ThreadMessage): void => {
      settle();
      resolve(message);
    };
    const onError = (error: unknown): void => gone(messageOf(error));
    const onExit = (): void => gone('the module ended its thread');
    const timer = setTimeout(() => gone(`the module took longer than ${msMax} ms`), msMax);
    const settle = (): void => {
      clearTimeout(timer);
      thread.off('message', onMessage).off('error', onError).off('exit', onExit);
    };
    thread.once('message', onMessage).once('error', onError).once('exit', onExit);
    ask();
  });
}

function toProcess({ path, chunk, sha256 }: VerifiedBlock): BlockToProcess {
  return {
    path,
    file_name: chunk.file_name,
    relative_path: chunk.path,
    sender: chunk.sender,
    transfer_id: chunk.transfer_id,
    block_number: chunk.block_number,
    total_blocks: chunk.total_blocks,
    block_size_bytes: chunk.end_offset - chunk.start_offset,
    checksum: sha256,
  };
}
