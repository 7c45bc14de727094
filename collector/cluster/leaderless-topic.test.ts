/** Of topics that every collector reads whole, where a partition has no leader. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { ALERTS_TOPIC } from '../../wire/records/alert-record.ts';
import { WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import type { MemoryLog } from '../../wire/transport/log/memory.ts';
import type { LogReader } from '../../wire/transport/log/port.ts';
import { createFleetLog, pass, startMember } from './testing/members.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Partition 0 of the topic has no leader until `found` resolves. */
function withoutLeader(log: MemoryLog, topic: string, found: Promise<void>): MemoryLog {
  return {
    ...log,
    reader(name) {
      const reader = log.reader(name);
      if (name !== topic) return reader;
      const follow: LogReader['follow'] = async (from, handlers, signal) => {
        handlers.interrupted?.(`no leader of ${name}/0`);
        const caughtUp = (): void =>
          void found.then(() => {
            if (signal.aborted) return;
            handlers.interrupted?.(undefined);
            handlers.caughtUp();
          });
        await reader.follow(from, { ...handlers, caughtUp }, signal);
      };
      return { ...reader, follow };
    },
  };
}

it.each([WINDOW_RESULTS_TOPIC, ALERTS_TOPIC])(
  'a collector that starts while a partition of %s has no leader says so, and goes on when it has one',
  async (topic) => {
    const fleetLog = createFleetLog();
    const found = Promise.withResolvers<void>();
    const log = withoutLeader(fleetLog.log, topic, found.promise);
    const member = startMember({
      fleetLog: { ...fleetLog, log },
      name: 'one',
      dataDir: temporaryFolder(),
    });
    onTestFinished(() => member.db.close());
    await pass(3, fleetLog.clock, [member]);
    expect(member.cluster.failure).toBe(`no leader of ${topic}/0`);
    found.resolve();
    await pass(3, fleetLog.clock, [member]);
    expect(member.cluster.failure).toBeUndefined();
    expect(member.cluster.isCaughtUp).toBe(true);
  },
);
