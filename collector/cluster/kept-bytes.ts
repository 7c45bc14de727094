/** What records that wait keep in memory. Pure. */
import type { LogRecord } from '../../wire/transport/log/port.ts';

/**
 * Bytes that records keep in memory. They are parts of what their batch unpacked to, so each such
 * buffer counts once and whole, until the last of its records is gone.
 */
export class KeptBytes {
  /** How many records are parts of it. */
  readonly #uses = new Map<ArrayBufferLike, number>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(record: LogRecord): void {
    const buffer = bufferOf(record);
    if (buffer === undefined) return;
    const uses = this.#uses.get(buffer) ?? 0;
    if (uses === 0) this.#bytes += buffer.byteLength;
    this.#uses.set(buffer, uses + 1);
  }

  remove(record: LogRecord): void {
    const buffer = bufferOf(record);
    if (buffer === undefined) return;
    const uses = this.#uses.get(buffer) ?? 0;
    if (uses > 1) this.#uses.set(buffer, uses - 1);
    else if (this.#uses.delete(buffer)) this.#bytes -= buffer.byteLength;
  }
}

/** Key, value and headers of a record are parts of the same one. */
function bufferOf({ key, value, headers }: LogRecord): ArrayBufferLike | undefined {
  return (value ?? key ?? headers.values().next().value)?.buffer;
}
