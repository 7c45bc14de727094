/** Hashes what is no regular file, or too little to start a thread for, on the calling thread. */
import { createReadStream } from 'node:fs';
import type { HashGroup } from '../../native/sha256/engine.ts';
import { errorOf, type Outcome } from './outcome.ts';

export const standardInput = '-';

/** One stream after the other: who writes into several pipes may wait until the first is read. */
export class StreamHasher {
  readonly #group: Promise<HashGroup>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(group: Promise<HashGroup>) {
    this.#group = group;
  }

  hash(path: string | Buffer): Promise<Outcome> {
    const outcome = this.#last.then(() => this.#hashNow(path));
    this.#last = outcome;
    return outcome;
  }

  async #hashNow(path: string | Buffer): Promise<Outcome> {
    const group = await this.#group;
    try {
      const source = path === standardInput ? process.stdin : createReadStream(path);
      for await (const chunk of source as AsyncIterable<Buffer>) group.update([chunk]);
      return { digest: group.digest(0) };
    } catch (error) {
      group.reset(0);
      return errorOf(error);
    }
  }
}
