/**
 * Where records wait until the collector has them. Newest first for what was just measured, oldest
 * first for what waits longer; what was taken and given back is given again. Adding never fails:
 * when there is no room the oldest go, and are counted.
 */

export interface NewRecord {
  /** As `recordLine` of the wire makes it. */
  readonly line: string;
  /** Event time, ms since the epoch: tells the collector from when on samples are still to come. */
  readonly atMs: number;
  /** The sample's number in its boot; null for what is no sample. */
  readonly seq: number | null;
}

/** Records on their way: nobody else gets them until they are given back. */
export interface Lease {
  /** The boot that made them all. */
  readonly bootId: string;
  readonly records: readonly NewRecord[];
}

/** What a batch's header says about the records that wait. */
export interface WaitingFacts {
  /** The lowest seq of the lease's boot that waits, the lease's own included. */
  readonly oldestOutstandingSeq: number | undefined;
  /** The earliest event time of all samples that wait, the lease's own left out. */
  readonly pendingFromMs: number | undefined;
  /** Samples of the lease's boot that were dropped. */
  readonly dropped: number;
  /** Records that wait, the lease's own left out. */
  readonly waiting: number;
}

export interface Outbox {
  add(record: NewRecord): void;
  /** This process' newest records that are not on their way, oldest first among them. */
  takeLive(): Lease | undefined;
  /** The oldest of those that `takeLive` does not give, all of one boot. */
  takeBacklog(): Lease | undefined;
  factsOf(lease: Lease): WaitingFacts;
  /** The collector has them: they are forgotten. */
  acknowledge(lease: Lease): void;
  /** All are forgotten; those that were refused for good, all if not said, are counted as dropped. */
  discard(lease: Lease, refused?: Lease['records']): void;
  /** They wait again. */
  giveBack(lease: Lease): void;
  /** Records that are not acknowledged, those on their way included. */
  readonly size: number;
  /** Records that were ever dropped. */
  readonly dropped: number;
  close(): Promise<void>;
}
