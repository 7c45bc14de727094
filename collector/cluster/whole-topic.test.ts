/** Of a topic that is read whole: what waits for a partition whose broker is down. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { SEED_B_TOPIC as topic } from '../../wire/compat/seed-b.ts';
import type { MemoryLog } from '../../wire/transport/log/memory.ts';
import type { PartitionOffset, SlotHandler } from '../../wire/transport/log/port.ts';
import { seedB } from '../ingest/testing/records.ts';
import { createFleetLog, pass, startMember } from './testing/members.ts';
import { samples } from './testing/stage.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Nothing comes of this partition, though it has records. */
function silenced(log: MemoryLog, partition: number): MemoryLog {
  const isHeard = (place: Pick<PartitionOffset, 'topic' | 'partition'>): boolean =>
    place.topic !== topic || place.partition !== partition;
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
      return {
        run: (handler, signal) => consumer.run(through(handler), signal),
        commit: (offsets, signal) => consumer.commit(offsets, signal),
      };
    },
  };
}

it('it is given after a while, though nothing else comes', async () => {
  const fleetLog = createFleetLog();
  const { log, clock } = fleetLog;
  for (const partition of [0, 1]) {
    const { value } = seedB(clock.wallMs() + partition * 1_000, undefined);
    log.append({ topic, partition, value: Buffer.from(JSON.stringify(value)) });
  }
  const down = { ...fleetLog, log: silenced(log, 1) };
  const member = startMember({ fleetLog: down, name: 'one', dataDir: temporaryFolder() });
  onTestFinished(() => member.db.close());
  await pass(9, clock, [member]);
  expect(samples(member)).toEqual([]);
  await pass(3, clock, [member]);
  expect(samples(member)).toHaveLength(1);
  expect(member.cluster.figures().behindRecords).toBe(1);
});
