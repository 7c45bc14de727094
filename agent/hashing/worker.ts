/**
 * A thread that hashes files, as many side by side as its engine has lanes. Each message to it asks
 * for one, and is answered once. Whoever asks keeps no more than that many on their way.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { EngineName, HashGroup } from '../../native/sha256/engine.ts';
import { ENGINES } from '../../native/sha256/engines.ts';
import { errorOf, type Outcome } from './outcome.ts';

export interface Request {
  readonly id: number;
  /** Bytes where it is no UTF-8. */
  readonly path: string | Uint8Array;
}

export interface Answer {
  readonly id: number;
  readonly outcome: Outcome;
}

interface OpenFile {
  readonly id: number;
  readonly fd: number;
}

class FileLanes {
  readonly #group: HashGroup;
  readonly #files: (OpenFile | undefined)[];
  #isHashing = false;

  constructor(group: HashGroup) {
    this.#group = group;
    this.#files = Array.from({ length: group.lanes });
  }

  take({ id, path }: Request): void {
    const fd = answerIfFailed(id, () =>
      openSync(typeof path === 'string' ? path : Buffer.from(path), 'r'),
    );
    if (fd === undefined) return;
    this.#files[this.#files.indexOf(undefined)] = { id, fd };
    if (!this.#isHashing) void this.#hashAll();
  }

  /** Ends when no lane has a file. */
  async #hashAll(): Promise<void> {
    this.#isHashing = true;
    while (this.#files.some((file) => file !== undefined)) {
      const chunks = this.#files.map((file, lane) => file && this.#nextOf(file, lane));
      this.#group.update(chunks);
      for (const [lane, chunk] of chunks.entries()) if (chunk?.length === 0) this.#finish(lane);
      // Files for the lanes that became free come in between.
      await setImmediate();
    }
    this.#isHashing = false;
  }

  /** @returns no bytes at the file's end; undefined when it cannot be read, and the lane is free then */
  #nextOf({ id, fd }: OpenFile, lane: number): Uint8Array | undefined {
    const buffer = this.#group.buffer(lane);
    const bytes = answerIfFailed(id, () => readSync(fd, buffer));
    if (bytes !== undefined) return buffer.subarray(0, bytes);
    this.#group.reset(lane);
    this.#leave(lane);
    return undefined;
  }

  #finish(lane: number): void {
    const digest = this.#group.digest(lane);
    const file = this.#leave(lane);
    if (file !== undefined) answer({ id: file.id, outcome: { digest } });
  }

  #leave(lane: number): OpenFile | undefined {
    const file = this.#files[lane];
    this.#files[lane] = undefined;
    if (file !== undefined) closeSync(file.fd);
    return file;
  }
}

function answerIfFailed<T>(id: number, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    answer({ id, outcome: errorOf(error) });
    return undefined;
  }
}

function answer(message: Answer): void {
  parentPort?.postMessage(message);
}

async function start(): Promise<void> {
  const lanes = new FileLanes(await ENGINES[workerData as EngineName].create());
  parentPort?.on('message', (request: Request) => lanes.take(request));
}

void start();
