/** Where a record is in a log, for ever. */
export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A record as either transport carries it, before anybody has looked inside. */
export interface RawRecord {
  /** Absent when the sender did not say; the value's shape then decides. */
  readonly topic?: string | undefined;
  /** The server's name where a topic's format says so. */
  readonly key?: string | undefined;
  readonly value: unknown;
  /** When it was sent, ms since the epoch by the sender's clock; absent when the sender did not say. */
  readonly timeMs?: number | undefined;
  /** Absent where it did not come from a log. */
  readonly place?: RecordPlace | undefined;
}

export const SAMPLES_TOPIC = 'windrow-samples';
export const INVENTORY_TOPIC = 'windrow-inventory';

/** Name of the header of a log's record that holds the batch's header as JSON. */
export const BATCH_HEADER = 'windrow-batch';

/**
 * Name of the header that a copy of a sample in an old system's format has: the topic where the
 * sample itself is. Who reads that topic too leaves copies out.
 */
export const COPY_HEADER = 'windrow-copy-of';
