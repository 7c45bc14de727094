/** Of a topic that is read whole: what waits for a partition whose broker is down. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { SEED_B_TOPIC as topic } from '../../wire/compat/seed-b.ts';
import { seedB } from '../ingest/testing/records.ts';
import { createFleetLog, pass, startMember } from './testing/members.ts';
import { silenced } from './testing/silenced.ts';
import { samples } from './testing/stage.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('it is given after a while, though nothing else comes', async () => {
  const fleetLog = createFleetLog();
  const { log, clock } = fleetLog;
  for (const partition of [0, 1]) {
    const { value } = seedB(clock.wallMs() + partition * 1_000, undefined);
    log.append({ topic, partition, value: Buffer.from(JSON.stringify(value)) });
  }
  const down = { ...fleetLog, log: silenced(log, { topic, partition: 1 }) };
  const member = startMember({ fleetLog: down, name: 'one', dataDir: temporaryFolder() });
  onTestFinished(() => member.db.close());
  await pass(9, clock, [member]);
  expect(samples(member)).toEqual([]);
  await pass(3, clock, [member]);
  expect(samples(member)).toHaveLength(1);
  expect(member.cluster.figures().behindRecords).toBe(1);
});
