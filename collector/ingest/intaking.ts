/** One batch on its way in, and who watches. */
import type { BatchHeader } from '../../wire/records/batch.ts';
import type { DecodedSample } from '../../wire/records/decoded.ts';
import type { RecordPlace } from '../../wire/records/record.ts';
import type { LogOrigin } from './from-log.ts';
import type { Source } from './source.ts';

/** Sees what arrives, for the live page; must not throw. */
export interface IngestObserver {
  /** @param nowMs the collector's wall time */
  sample(source: Source, sample: DecodedSample, values: readonly number[], nowMs: number): void;
  /** New, or its state, clock or senders are others now. */
  serverChanged(source: Source): void;
  /** Counts of it changed, or how much of it still waits; may come with each batch. */
  deliveryChanged(source: Source): void;
  connectionTest(from: string): void;
}

/** One batch on its way in. */
export interface Intaking {
  readonly header: BatchHeader;
  /** It comes behind a batch that was sent later: what it says of its sender is no news. */
  readonly isLatecomer: boolean;
  readonly remote: string;
  /** By our clock, asked once for all its samples. */
  readonly nowMs: number;
  /** When it came, by our clock; of what was in a log before, when it was sent. */
  readonly receivedMs: number;
  readonly receivedMonotonicMs: number;
  /** Undefined: it did not come from a log. */
  readonly log: LogOrigin | undefined;
  /** Of the record that is being taken in. */
  place: RecordPlace | undefined;
  /** Whose windows got the last record, if any did. */
  fed: Source | undefined;
  /** Newest event of the header's server; −∞ before any. */
  newestMs: number;
  /** Sources of which something new came. */
  readonly touched: Set<Source>;
  stored: number;
  duplicates: number;
  quarantined: number;
}
