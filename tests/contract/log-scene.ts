/** Members and readers of a log, as the contract's tests see them. */
import { onTestFinished } from 'vitest';
import type {
  GroupConsumer,
  GroupOptions,
  Log,
  LogRecord,
  PartitionOffset,
  ReadPlace,
  SlotStart,
  Uneven,
  UnreadableRecords,
} from '../../wire/transport/log/port.ts';

export interface Member {
  readonly consumer: GroupConsumer;
  /** As last told. */
  readonly slots: () => readonly number[];
  readonly starts: (readonly SlotStart[])[];
  /** As last told. */
  readonly uneven: () => readonly Uneven[];
  /** Topics that were not there when it got its share. */
  readonly missing: () => readonly string[];
  readonly taken: LogRecord[];
  /** The offsets of what was taken, and of what could not be read, with the reason. */
  readonly events: string[];
  readonly stop: () => Promise<void>;
}

export function values({ taken }: Member): string[] {
  return taken.map(({ value }) => String(value));
}

/** Joins, and leaves when the test ends. */
export function join(log: Log, options: GroupOptions): Member {
  const consumer = log.consumer(options);
  const stopping = new AbortController();
  const starts: (readonly SlotStart[])[] = [];
  const taken: LogRecord[] = [];
  const events: string[] = [];
  let slots: readonly number[] = [];
  let isParted = true;
  let uneven: readonly Uneven[] = [];
  let missing: readonly string[] = [];
  let missingNext: readonly string[] = [];
  const ended = consumer.run(
    {
      async assigned(now, startsAt, unevenNow) {
        if (!isParted) throw new Error('a new share, and what was ours was not parted from');
        isParted = false;
        slots = [...now].sort((a, b) => a - b);
        starts.push(startsAt);
        uneven = unevenNow;
        [missing, missingNext] = [missingNext, []];
      },
      missing(topics) {
        missingNext = topics;
      },
      parted() {
        isParted = true;
      },
      async take(records) {
        taken.push(...records);
        events.push(...records.map(({ offset }) => `${offset}`));
      },
      unreadable: (records) => void events.push(...eachOf(records)),
    },
    stopping.signal,
  );
  const stop = (): Promise<void> => {
    stopping.abort();
    return ended;
  };
  onTestFinished(stop);
  return {
    consumer,
    slots: () => slots,
    starts,
    uneven: () => uneven,
    missing: () => missing,
    taken,
    events,
    stop,
  };
}

/** One line for each record, however many of them are told at once. */
function eachOf({ offset, endOffset, reason }: UnreadableRecords): string[] {
  return Array.from({ length: endOffset - offset }, (_, i) => `${offset + i} ${reason}`);
}

export interface Followed {
  readonly seen: string[];
  readonly opened: { readonly topicId: string; readonly from: readonly PartitionOffset[] }[];
  /** As a member has them. */
  readonly events: string[];
  /** By partition: where it ended, as last told, and how far it was handed over. */
  readonly ends: ReadonlyMap<number, number>;
  readonly reached: ReadonlyMap<number, number>;
  /** How often ends were told. */
  readonly toldEnds: () => number;
  readonly stop: () => Promise<void>;
}

/** Follows until the test ends. */
export function follow(log: Log, topic: string, from: readonly ReadPlace[]): Followed {
  const stopping = new AbortController();
  const seen: string[] = [];
  const opened: Followed['opened'] = [];
  const events: string[] = [];
  const ends = new Map<number, number>();
  const reached = new Map<number, number>();
  let toldEnds = 0;
  const ended = log.reader(topic).follow(
    from,
    {
      opened: (topicId, places) => void opened.push({ topicId, from: places }),
      async take(records) {
        seen.push(...records.map(({ value }) => String(value)));
        events.push(...records.map(({ offset }) => `${offset}`));
      },
      unreadable: (records) => void events.push(...eachOf(records)),
      caughtUp: () => void seen.push('(caught up)'),
      ends(places) {
        toldEnds += 1;
        for (const { partition, offset } of places) ends.set(partition, offset);
      },
      reached(places) {
        for (const { partition, offset } of places) reached.set(partition, offset);
      },
    },
    stopping.signal,
  );
  const stop = (): Promise<void> => {
    stopping.abort();
    return ended;
  };
  onTestFinished(stop);
  return { seen, opened, events, ends, reached, toldEnds: () => toldEnds, stop };
}
