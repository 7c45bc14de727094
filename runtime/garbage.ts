/**
 * Collects garbage in time, by what caused it and not by how much V8 sees of it.
 *
 * Of the young: what a socket brings comes in pieces of 64 KiB outside the heap, whose memory V8
 * hardly sees: left alone it lets 100 MB of them gather before it looks. A collection takes a
 * millisecond or two.
 *
 * Of all: what is on its way when the young are collected counts as old soon after, and V8 lets the
 * old grow to twice what is in use before it looks: 30 MB. A collection takes some 30 ms.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' | 'major' }) => void;

export class Garbage {
  readonly #everyBytes: number;
  readonly #type: 'minor' | 'major';
  #collect: Collect | undefined;
  #bytes = 0;

  /** @param everyBytes what may go through between two collections */
  constructor(everyBytes: number, of: 'young' | 'all' = 'young') {
    this.#everyBytes = everyBytes;
    this.#type = of === 'young' ? 'minor' : 'major';
  }

  /** So many bytes were read or sent and are of no use any longer. */
  came(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < this.#everyBytes) return;
    this.#bytes = 0;
    this.#collect ??= collector();
    this.#collect?.({ type: this.#type });
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
