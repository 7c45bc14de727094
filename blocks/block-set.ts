/** Which blocks of a file are there: a bit for each. Pure. */
export class BlockSet {
  #bits = new Uint8Array(0);
  #count = 0;

  /** How many are in it. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of memory. */
  get sizeBytes(): number {
    return this.#bits.length;
  }

  has(block: number): boolean {
    return ((this.#bits[block >>> 3] ?? 0) & (1 << (block & 7))) !== 0;
  }

  /** @returns whether it is new */
  add(block: number): boolean {
    if (this.has(block)) return false;
    const byte = block >>> 3;
    if (byte >= this.#bits.length) this.#grow(byte + 1);
    this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (block & 7));
    this.#count += 1;
    return true;
  }

  /** Doubling, so that blocks in their order cost little each. */
  #grow(bytesMin: number): void {
    const grown = new Uint8Array(Math.max(bytesMin, this.#bits.length * 2));
    grown.set(this.#bits);
    this.#bits = grown;
  }
}
