/** An outbox in memory: bounded, and gone with the process. */
import type { Outbox, Waiting } from './port.ts';

export function createMemoryOutbox(recordsMax: number): Outbox {
  let waiting: Waiting[] = [];
  let dropped = 0;
  return {
    add(record) {
      waiting.push(record);
      // In steps, so that a full outbox does not move everything at each tick.
      const slack = Math.ceil(recordsMax / 16);
      if (waiting.length <= recordsMax + slack) return;
      const excess = waiting.length - recordsMax;
      waiting = waiting.slice(excess);
      dropped += excess;
    },
    oldest: (count) => waiting.slice(0, count),
    earliestBehindMs(count) {
      // Mostly the next one's; not when the wall clock has gone back in between.
      let earliestMs: number | undefined;
      for (let i = count; i < waiting.length; i += 1) {
        const tsMs = waiting[i]?.tsMs ?? Infinity;
        if (tsMs < (earliestMs ?? Infinity)) earliestMs = tsMs;
      }
      return earliestMs;
    },
    acknowledge(given) {
      // The oldest may have been dropped while they were on their way: what is still here goes.
      const done = new Set(given);
      waiting = waiting.filter((record) => !done.has(record));
    },
    get size() {
      return waiting.length;
    },
    get dropped() {
      return dropped;
    },
  };
}
