/** When a replayed row may go. Pure: it is told the time. */
export type Pace =
  | { readonly kind: 'max' }
  /** Event time passes this many times as fast as the clock. */
  | { readonly kind: 'speed'; readonly factor: number }
  /** Rows of one time go together, this many such groups a second. */
  | { readonly kind: 'groups'; readonly perSecond: number };

/** What of a file says how long its replay takes. */
export interface Extent {
  readonly originMs: number;
  readonly latestMs: number;
  /** Rows of one time that follow each other are one. */
  readonly groups: number;
}

/** From the first row to when the last one is due. */
export function replayMs(pace: Pace, { originMs, latestMs, groups }: Extent): number {
  switch (pace.kind) {
    case 'max':
      return 0;
    case 'speed':
      return (latestMs - originMs) / pace.factor;
    case 'groups':
      return ((groups - 1) * 1_000) / pace.perSecond;
  }
}

/** `12 s`, `21 min`, `3 h 5 min`. */
export function durationText(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(ms / 60_000);
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes} min`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

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
