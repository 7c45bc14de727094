/** What the engine keeps of one source: its panes, and how far its windows have come. */
import type { Pane } from './pane.ts';
import { Lanes } from './watermark.ts';

/** How far the windows of a source are closed. */
export interface Closed {
  /** All windows that end here or before are final; null before the first. */
  readonly closedThroughMs: number | null;
  /** Start of the first pane, once the first final window has fixed it. */
  readonly firstPaneMs: number | null;
}

/** What must survive a restart beside the samples themselves; JSON can carry it. */
export interface SourceCheckpoint extends Closed {
  readonly newestMsByLane: readonly (number | null)[];
}

export interface SourceOptions {
  /** Panes and windows begin at whole slides from here: 0 = the epoch. */
  readonly originMs: number;
  /** Event times have nothing to do with the clock on the wall. */
  readonly replayed: boolean;
  readonly restored?: SourceCheckpoint | undefined;
}

export class Source {
  readonly number: number;
  readonly originMs: number;
  readonly replayed: boolean;
  readonly lanes = new Lanes();
  /** Ascending by start, without gaps filled: a pane exists when it has samples. */
  readonly panes: Pane[] = [];
  /** The pane that got the last sample, for the next one to find at once. */
  current: Pane | undefined;
  /** All windows that end here or before are final. */
  closedThroughMs: number;
  /** Not before `closedThroughMs`; what ends here was emitted, but for backfilled panes' windows. */
  shownThroughMs: number;
  firstPaneMs: number | undefined;
  /** Windows that begin before this may lack samples that nobody has any longer. */
  lacksBeforeMs = -Infinity;
  /** Starts of the windows emitted as provisional and not final yet. */
  readonly provisional = new Set<number>();
  /** Starts of the panes made behind `shownThroughMs` since the last look: from … to. */
  backfilledFromMs = Infinity;
  backfilledToMs = -Infinity;

  constructor(number: number, options: SourceOptions) {
    this.number = number;
    const { originMs, replayed, restored } = options;
    this.originMs = originMs;
    this.replayed = replayed;
    this.closedThroughMs = restored?.closedThroughMs ?? -Infinity;
    this.shownThroughMs = this.closedThroughMs;
    this.firstPaneMs = restored?.firstPaneMs ?? undefined;
    if (restored) this.lanes.restore(restored.newestMsByLane);
  }

  closed(): Closed {
    const { closedThroughMs } = this;
    return {
      closedThroughMs: closedThroughMs === -Infinity ? null : closedThroughMs,
      firstPaneMs: this.firstPaneMs ?? null,
    };
  }

  checkpoint(): SourceCheckpoint {
    return { ...this.closed(), newestMsByLane: this.lanes.snapshot() };
  }

  /**
   * The watermark went back: a clock was put right, or another lane was seen. What ends behind it
   * and was not emitted is emitted when it has passed again, and not with its first sample.
   */
  lowerShown(watermarkMs: number): void {
    const throughMs = Math.max(watermarkMs, this.closedThroughMs);
    this.shownThroughMs = Math.min(this.shownThroughMs, throughMs);
  }

  markBackfilled(paneStartMs: number): void {
    this.backfilledFromMs = Math.min(this.backfilledFromMs, paneStartMs);
    this.backfilledToMs = Math.max(this.backfilledToMs, paneStartMs);
  }

  clearBackfilled(): void {
    this.backfilledFromMs = Infinity;
    this.backfilledToMs = -Infinity;
  }
}
