/**
 * Where records wait until the collector has them. First in, first out; what is not acknowledged
 * is given again. Adding never fails: a full outbox drops its oldest and counts them.
 */
import type { RawRecord } from '../../wire/records/record.ts';

export interface Waiting {
  readonly record: RawRecord;
  /** Event time; tells the collector from when on samples are still to come. */
  readonly tsMs: number;
  /** Absent for records that are no samples. */
  readonly seq?: number;
}

export interface Outbox {
  add(waiting: Waiting): void;
  /** The oldest records, at most `count`; they stay until acknowledged. */
  oldest(count: number): readonly Waiting[];
  /** The earliest event time behind the oldest `count` records; undefined when there is none. */
  earliestBehindMs(count: number): number | undefined;
  /** Forgets those that `oldest(count)` gave, after the collector has them. */
  acknowledge(given: readonly Waiting[]): void;
  readonly size: number;
  /** Records dropped since the start because the outbox was full. */
  readonly dropped: number;
}
