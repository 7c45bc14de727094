/** Memory of what was read is given back when it has been taken in, and not while it waits. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { SEED_B_TOPIC } from '../../wire/compat/seed-b.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import type { MemoryLog } from '../../wire/transport/log/memory.ts';
import type { LogRecord } from '../../wire/transport/log/port.ts';
import { seedB, steady } from '../ingest/testing/records.ts';
import { createFleetLog, pass, send, startMember } from './testing/members.ts';
import { silenced } from './testing/silenced.ts';
import { pc } from './testing/stage.ts';
import { changedConsumer } from '../../wire/transport/log/testing/changed-consumer.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What was handed over of each topic and has not been given back. */
function watched(log: MemoryLog) {
  const given = new Map<string, number>();
  const kept = new Map<string, number>();
  const add = (counts: Map<string, number>, topic: string, by: number): void => {
    counts.set(topic, (counts.get(topic) ?? 0) + by);
  };
  const seen = (record: LogRecord): LogRecord => {
    const { topic } = record;
    add(given, topic, 1);
    add(kept, topic, 1);
    const release = (): void => {
      add(kept, topic, -1);
      record.release?.();
    };
    return { ...record, release };
  };
  const counted: MemoryLog = {
    ...log,
    consumer(options) {
      const consumer = log.consumer(options);
      return changedConsumer(consumer, {
        run: (handler, signal) =>
          consumer.run(
            {
              assigned: (...share) => handler.assigned(...share),
              take: (records, waitedMs) => handler.take(records.map(seen), waitedMs),
              reached: (places) => handler.reached?.(places),
              ends: (places, agoMs) => handler.ends?.(places, agoMs),
              parted: () => handler.parted?.(),
            },
            signal,
          ),
      });
    },
    reader(topic) {
      const reader = log.reader(topic);
      return {
        end: (signal) => reader.end(signal),
        follow: (from, handlers, signal) =>
          reader.follow(
            from,
            { ...handlers, take: (records) => handlers.take(records.map(seen)) },
            signal,
          ),
      };
    },
  };
  return { counted, given, kept };
}

it('of samples, and of windows that collectors tell each other, when they have been taken in', async () => {
  const fleetLog = createFleetLog();
  const { counted, given, kept } = watched(fleetLog.log);
  const own = { ...fleetLog, log: counted };
  const member = startMember({ fleetLog: own, name: 'one', dataDir: temporaryFolder() });
  onTestFinished(() => member.db.close());
  send(fleetLog, steady(fleetLog.clock.wallMs(), 60, { seq: 0 }), pc);
  fleetLog.clock.advance(60_000);
  await pass(5, fleetLog.clock, [member]);
  expect(given.get(SAMPLES_TOPIC)).toBe(60);
  expect(given.get(WINDOW_RESULTS_TOPIC)).toBeGreaterThan(4);
  expect([...kept.values()].filter((left) => left !== 0)).toEqual([]);
});

it('of what waits for another partition not before that has been given', async () => {
  const fleetLog = createFleetLog();
  const { log, clock } = fleetLog;
  const { counted, given, kept } = watched(silenced(log, { topic: SEED_B_TOPIC, partition: 1 }));
  const value = Buffer.from(JSON.stringify(seedB(clock.wallMs(), undefined).value));
  for (const partition of [0, 1]) log.append({ topic: SEED_B_TOPIC, partition, value });
  const own = { ...fleetLog, log: counted };
  const member = startMember({ fleetLog: own, name: 'one', dataDir: temporaryFolder() });
  onTestFinished(() => member.db.close());
  await pass(5, clock, [member]);
  expect([given.get(SEED_B_TOPIC), kept.get(SEED_B_TOPIC)]).toEqual([1, 1]);
  await pass(7, clock, [member]);
  expect(kept.get(SEED_B_TOPIC)).toBe(0);
});
