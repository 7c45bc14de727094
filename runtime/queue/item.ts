/** What a durable queue holds. */
export interface QueueItem {
  /** What goes together: items of a lane keep their order. */
  readonly lane: string;
  /** The item's number in its lane, rising; null for what is not numbered. */
  readonly no: number | null;
  /** The time that the item tells about, ms since the epoch. */
  readonly atMs: number;
  readonly body: string;
}

export interface QueuedItem extends QueueItem {
  /** Rises in the order of adding; never used twice. */
  readonly id: number;
}
