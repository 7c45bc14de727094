/** A log of which one partition cannot be read, as while its broker is down. */
import type { MemoryLog } from '../../../wire/transport/log/memory.ts';
import type { PartitionOffset, SlotHandler } from '../../../wire/transport/log/port.ts';
import { changedConsumer } from '../../../wire/transport/log/testing/changed-consumer.ts';

type Place = Pick<PartitionOffset, 'topic' | 'partition'>;

/** Nothing comes of this partition, though it has records. */
export function silenced(log: MemoryLog, { topic, partition }: Place): MemoryLog {
  const isHeard = (place: Place): boolean => place.topic !== topic || place.partition !== partition;
  return {
    ...log,
    consumer(options) {
      const consumer = log.consumer(options);
      const through = (handler: SlotHandler): SlotHandler => ({
        assigned: (...share) => handler.assigned(...share),
        take: (records, waitedMs) => handler.take(records.filter(isHeard), waitedMs),
        reached: (places) => handler.reached?.(places.filter(isHeard)),
        ends: (places, agoMs) => handler.ends?.(places, agoMs),
        parted: () => handler.parted?.(),
      });
      return changedConsumer(consumer, {
        run: (handler, signal) => consumer.run(through(handler), signal),
      });
    },
  };
}
