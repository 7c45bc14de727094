/** Until when all that was written into a partition has come here. Pure. */

export class Heard {
  /** What was in it then, monotonic, has been taken; −∞ while nobody knows. */
  throughMs = Number.NEGATIVE_INFINITY;
  /** It is heard through the time when it is read so far; undefined: it is. */
  #awaited: { readonly offset: number; readonly atMs: number } | undefined;

  /** It ended there then. @param nextOffset before it all has been taken */
  ends(end: { readonly offset: number; readonly atMs: number }, nextOffset: number): void {
    // What is awaited since longer is reached first, and never where the log has lost that end.
    if (this.#awaited === undefined || end.offset < this.#awaited.offset) this.#awaited = end;
    this.reached(nextOffset);
  }

  /** All before this offset has been taken. */
  reached(nextOffset: number): void {
    if (this.#awaited === undefined || nextOffset < this.#awaited.offset) return;
    this.throughMs = this.#awaited.atMs;
    this.#awaited = undefined;
  }
}
