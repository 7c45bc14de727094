/** Bytes a second over the last 10 s. Pure. */

const spanSeconds = 10;

export class Throughput {
  /** Bytes of each second, by the second's number modulo the span. */
  readonly #bytes = new Float64Array(spanSeconds);
  #newestSecond = Number.NEGATIVE_INFINITY;

  add(bytes: number, nowMs: number): void {
    this.#goOn(nowMs);
    const at = Math.floor(nowMs / 1_000) % spanSeconds;
    this.#bytes[at] = (this.#bytes[at] ?? 0) + bytes;
  }

  bytesPerSecond(nowMs: number): number {
    this.#goOn(nowMs);
    return this.#bytes.reduce((sum, bytes) => sum + bytes, 0) / spanSeconds;
  }

  /** Empties the seconds that are new. A clock set back begins anew. */
  #goOn(nowMs: number): void {
    const second = Math.floor(nowMs / 1_000);
    const passed = second - this.#newestSecond;
    if (passed < 0 || passed >= spanSeconds) this.#bytes.fill(0);
    else
      for (let back = 0; back < passed; back += 1) this.#bytes[(second - back) % spanSeconds] = 0;
    this.#newestSecond = second;
  }
}
