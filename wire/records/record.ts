/** A record as either transport carries it, before anybody has looked inside. */
export interface RawRecord {
  /** Absent when the sender did not say; the value's shape then decides. */
  readonly topic?: string | undefined;
  /** The server's name where a topic's format says so. */
  readonly key?: string | undefined;
  readonly value: unknown;
  /** When it was sent, ms since the epoch by the sender's clock; absent when the sender did not say. */
  readonly timeMs?: number | undefined;
}

export const SAMPLES_TOPIC = 'windrow-samples';
export const INVENTORY_TOPIC = 'windrow-inventory';
