/**
 * Memory for payloads, used again and again: as garbage, a megabyte for each chunk, it would grow
 * faster than it is collected.
 *
 * A buffer goes from here to whoever reads a payload, with it to a thread and, moved back, here.
 */
import { rawChunkBytes } from '../../wire/limits.ts';

/** Buffers that wait to be used; of a rush the others are let go. */
const waitingMax = 8;

export class PayloadBuffers {
  readonly #waiting: ArrayBuffer[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();

  /** Room for the largest payload. */
  lend(): ArrayBuffer {
    const buffer = this.#waiting.pop() ?? new ArrayBuffer(rawChunkBytes);
    this.#lent.add(buffer);
    return buffer;
  }

  /** The payload in a buffer of ours: itself where it is in one, else a copy. */
  own(payload: Uint8Array): Uint8Array<ArrayBuffer> {
    const { buffer } = payload;
    if (buffer instanceof ArrayBuffer && this.#lent.has(buffer)) {
      return payload as Uint8Array<ArrayBuffer>;
    }
    const copy = new Uint8Array(this.lend(), 0, payload.length);
    copy.set(payload);
    return copy;
  }

  /** Nobody uses it any longer. What was moved to a thread comes back as another object. */
  giveBack(buffer: ArrayBuffer): void {
    const isOurs = !buffer.detached && buffer.byteLength === rawChunkBytes;
    if (isOurs && this.#waiting.length < waitingMax) this.#waiting.push(buffer);
  }
}
