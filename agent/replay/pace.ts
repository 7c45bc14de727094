/** When a replayed row may go. Pure: it is told the time. */
export type Pace =
  | { readonly kind: 'max' }
  /** Event time passes this many times as fast as the clock. */
  | { readonly kind: 'speed'; readonly factor: number }
  /** Rows of one time go together, this many such groups a second. */
  | { readonly kind: 'groups'; readonly perSecond: number };

export class Pacer {
  readonly #pace: Pace;
  #firstTsMs: number | undefined;
  #groupTsMs: number | undefined;
  #groupIndex = -1;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** How long after the start of the replay the next row is due; rows are asked for in order. */
  dueMs(tsMs: number): number {
    this.#firstTsMs ??= tsMs;
    switch (this.#pace.kind) {
      case 'max':
        return 0;
      case 'speed':
        return (tsMs - this.#firstTsMs) / this.#pace.factor;
      case 'groups':
        if (tsMs !== this.#groupTsMs) this.#groupIndex += 1;
        this.#groupTsMs = tsMs;
        return (this.#groupIndex * 1_000) / this.#pace.perSecond;
    }
  }
}
