/** What taking in from a log needs to know beside the records. On the direct transport there is none of it. */
import type { BatchHeader } from '../../wire/records/batch.ts';
import type { RecordPlace } from '../../wire/records/record.ts';
import type { Sender } from '../../wire/transport/port.ts';
import type { Closed } from '../windows/source.ts';
import type { Source } from './source.ts';
import { alignDown } from '../windows/watermark.ts';

/** How some records of one partition, that are taken in together, came to us. */
export interface LogOrigin {
  /** Partition i of every topic. */
  readonly slot: number;
  /**
   * They are in the store already: they fill the open windows again, and make no row, no count and
   * no live event.
   */
  readonly isReread: boolean;
  /** They were in the log when the slot became ours: they came some time before now. */
  readonly isPast: boolean;
  /**
   * They came about when they were sent: what waited in the log while we lagged tells nothing of its
   * sender's clock.
   */
  readonly isPrompt: boolean;
  /** What lies before them in the log went to another collector: we miss numbers that nobody lost. */
  readonly hasGap: boolean;
  /** As `SlotStart` has it. */
  readonly isCut: boolean;
}

export interface Origin extends Sender {
  /** Absent: it was sent to this collector, and came now. */
  readonly log?: LogOrigin;
}

/** Remembers which offsets the open windows need. */
export interface Holds {
  /** Sources that hold anything. */
  sources(): Iterable<number>;
  panes(source: number): number;
  note(source: number, paneStartMs: number, place: RecordPlace): void;
  closed(source: number, throughMs: number): void;
  forget(source: number): void;
}

/** What whoever takes a source over must know of it, beside what the log has. */
export interface Known extends Closed {
  /** Windows that begin before this may lack samples that the log has lost; undefined: none does. */
  readonly lacksBeforeMs?: number | undefined;
}

/** The log as ingest sees it. */
export interface LogSide {
  readonly holds: Holds;
  /** How far windows of a source are closed, and what they lack, as published by anybody; undefined: never. */
  known(serverId: string, replayId: string): Known | undefined;
  /** Whether the slot is ours. */
  hasSlot(slot: number): boolean;
  /** Now a source comes in this slot of ours, and came in another collector's before. */
  came(source: Source, slot: number): void;
  /** `lacksBeforeMs` of this source is another. */
  lacks(source: Source): void;
  /** All that was in the log when our partitions became ours has been taken in, and what is new comes. */
  isCaughtUp(): boolean;
  /**
   * What was sent until then in this slot, monotonic, has been taken in: what seems silent after it
   * may only wait in the log.
   */
  heardThroughMs(slot: number): number;
  /** What other collectors told until then has come here, monotonic; −∞ while nobody knows. */
  othersHeardThroughMs(): number;
}

/**
 * Windows close behind the clock of the collector that has their server; the clocks of two may differ
 * by this. Whoever writes anything else into the topic must not keep a server's windows closed for hours.
 * Where our clock is further behind, the newest that we know of the server shows it: it ends no
 * earlier than its final windows do.
 */
const closedAheadMsMax = 60_000;
/** A date that was put to a time of day may lie so far ahead. */
const datedAheadMsMax = 12 * 60 * 60 * 1000;

/**
 * What may be so by now of what was told of a live server; on a whole slide as the windows end.
 * @param by `newestMs`: its newest sample, or the end of its newest window; −∞ before any
 */
export function plausible(
  closed: Known,
  by: { nowMs: number; newestMs: number; slideMs: number; datedHere: boolean },
): Known {
  const { nowMs, newestMs, slideMs, datedHere } = by;
  const aheadMsMax = closedAheadMsMax + (datedHere ? datedAheadMsMax : 0);
  const throughMsMax = alignDown(Math.max(nowMs, newestMs) + aheadMsMax, 0, slideMs);
  const { closedThroughMs, lacksBeforeMs } = closed;
  return {
    ...closed,
    closedThroughMs: closedThroughMs === null ? null : Math.min(closedThroughMs, throughMsMax),
    ...(lacksBeforeMs === undefined
      ? {}
      : { lacksBeforeMs: Math.min(lacksBeforeMs, throughMsMax) }),
  };
}

/**
 * A batch of a log may be read in two parts, and of its first part the rest waits still: it is not
 * before what has been read, for a sender sends the oldest first.
 */
export function asFarAsRead(header: BatchHeader, newestMs: number): BatchHeader {
  if (newestMs === Number.NEGATIVE_INFINITY) return header;
  return { ...header, pending_from_ms: Math.min(header.pending_from_ms ?? Infinity, newestMs) };
}

/** A record, or several that follow each other. */
export interface RecordsPlace extends RecordPlace {
  /** Behind the last of several. */
  readonly endOffset?: number;
}

export function countAt({ offset, endOffset = offset + 1 }: RecordsPlace): number {
  return endOffset - offset;
}

/** Where it came from, for people. */
export function remoteOf(remote: string, place: RecordsPlace): string {
  const { topic, partition, offset } = place;
  const more = countAt(place) - 1;
  return `${remote} ${topic}/${partition}@${offset}${more > 0 ? `-${offset + more}` : ''}`;
}
