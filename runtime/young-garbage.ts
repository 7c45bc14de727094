/**
 * Collects short-lived garbage outside the heap in time. What a socket brings comes in pieces of
 * 64 KiB whose memory the collector of garbage hardly sees: left alone it lets 100 MB of them
 * gather before it looks. A collection of the young alone takes a millisecond or two.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

export class YoungGarbage {
  readonly #everyBytes: number;
  #collect: Collect | undefined;
  #bytes = 0;

  /** @param everyBytes what may gather between two collections */
  constructor(everyBytes: number) {
    this.#everyBytes = everyBytes;
  }

  /** So many bytes were read and are of no use any longer. */
  came(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < this.#everyBytes) return;
    this.#bytes = 0;
    this.#collect ??= collector();
    this.#collect?.({ type: 'minor' });
  }
}

/**
 * The function that Node has with `--expose-gc`, got without asking people for that flag. Undefined
 * where another thread has just taken the flag back, which is one for all of them: then the next time.
 */
function collector(): Collect | undefined {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('globalThis.gc') as Collect | undefined;
  // Under other flags V8 takes no compiled code of a single file.
  setFlagsFromString('--no-expose-gc');
  return collect;
}
