/** Members and readers of a log, as the contract's tests see them. */
import { onTestFinished } from 'vitest';
import type {
  GroupConsumer,
  Log,
  LogRecord,
  PartitionOffset,
  SlotStart,
} from '../../wire/transport/log/port.ts';

export interface Member {
  readonly consumer: GroupConsumer;
  /** As last told. */
  readonly slots: () => readonly number[];
  readonly starts: (readonly SlotStart[])[];
  readonly taken: LogRecord[];
  readonly stop: () => Promise<void>;
}

export function values({ taken }: Member): string[] {
  return taken.map(({ value }) => String(value));
}

/** Joins, and leaves when the test ends. */
export function join(
  log: Log,
  options: { group: string; member: string; topics: readonly string[] },
): Member {
  const consumer = log.consumer(options);
  const stopping = new AbortController();
  const starts: (readonly SlotStart[])[] = [];
  const taken: LogRecord[] = [];
  let slots: readonly number[] = [];
  const ended = consumer.run(
    {
      async assigned(now, startsAt) {
        slots = [...now].sort((a, b) => a - b);
        starts.push(startsAt);
      },
      async take(records) {
        taken.push(...records);
      },
    },
    stopping.signal,
  );
  const stop = (): Promise<void> => {
    stopping.abort();
    return ended;
  };
  onTestFinished(stop);
  return { consumer, slots: () => slots, starts, taken, stop };
}

/** Follows until the test ends. */
export function follow(
  log: Log,
  topic: string,
  from: readonly PartitionOffset[],
): { seen: string[] } {
  const stopping = new AbortController();
  const seen: string[] = [];
  const ended = log.reader(topic).follow(
    from,
    {
      async take(records) {
        seen.push(...records.map(({ value }) => String(value)));
      },
      caughtUp: () => void seen.push('(caught up)'),
    },
    stopping.signal,
  );
  onTestFinished(() => {
    stopping.abort();
    return ended;
  });
  return { seen };
}
