/**
 * A file that is read again and again through one kept descriptor.
 *
 * Reads are synchronous on purpose: /proc answers from memory in microseconds, a trip through the
 * thread pool costs ten times that and lets a tick's readings drift apart.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { systemCodeOf, WindrowError } from '../../../runtime/errors.ts';
import type { Scan } from './scan.ts';

/** No /proc file that we read comes near; more is a mistake, and must not eat the memory. */
const fileBytesMax = 16 * 1024 * 1024;

export class KeptFile {
  readonly path: string;
  readonly #scan: Scan;
  #descriptor: number | undefined;

  constructor(path: string, scan: Scan) {
    this.path = path;
    this.#scan = scan;
  }

  /**
   * The whole content, from its start, in the shared buffer. A kept descriptor that no longer
   * reads (its network namespace is gone, say) is opened anew once.
   * Throws WindrowError `input` with a message such as `ENOENT /proc/diskstats`.
   */
  read(): Scan {
    const wasOpen = this.#descriptor !== undefined;
    try {
      return this.#readAll();
    } catch (error) {
      this.close();
      if (!wasOpen) throw this.#failure(error);
    }
    try {
      return this.#readAll();
    } catch (error) {
      this.close();
      throw this.#failure(error);
    }
  }

  close(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined) closeSync(descriptor);
  }

  /**
   * Reads until nothing comes: the kernel hands out files that are lists (net/dev, diskstats,
   * mounts) about a page at a time, however large the buffer is.
   */
  #readAll(): Scan {
    this.#descriptor ??= openSync(this.path, 'r');
    const scan = this.#scan;
    let length = 0;
    for (;;) {
      if (length === scan.bytes.length) this.#growForMore(length);
      const room = scan.bytes.length - length;
      const count = readSync(this.#descriptor, scan.bytes, length, room, length);
      if (count === 0) break;
      length += count;
    }
    scan.begin(length);
    return scan;
  }

  #growForMore(length: number): void {
    if (length >= fileBytesMax) {
      throw new WindrowError('input', `${this.path} has more than ${fileBytesMax} bytes`);
    }
    this.#scan.grow();
  }

  #failure(error: unknown): WindrowError {
    if (error instanceof WindrowError) return error;
    const code = systemCodeOf(error) ?? 'unreadable';
    return new WindrowError('input', `${code} ${this.path}`, { cause: error, retryable: true });
  }
}
