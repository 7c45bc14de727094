/** What the loop and the thread that writes samples ahead say to each other. */
import type { SharedRows } from './sample-rows.ts';

export interface AheadOrder {
  /** How often it was done for the coming commit, with this. */
  readonly pass: number;
  readonly rows: SharedRows;
}

export interface AheadOutcome {
  /** Why nothing of it was written. */
  readonly failed?: string;
}
