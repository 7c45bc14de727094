/** Samples and inventories with unequal partitions: a server has one owner all the same. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { INVENTORY_TOPIC, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { inventory, sample } from '../ingest/testing/records.ts';
import { alertFleet } from './alerts/testing/fleet.ts';
import { send, TOPICS } from './testing/members.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('a server is its who has its samples, wherever its inventory comes; none is told silent that sends', async () => {
  const fleet = alertFleet();
  fleet.log.grow(SAMPLES_TOPIC, 6);
  const counts = Object.fromEntries(TOPICS.map((topic) => [topic, 3]));
  const uneven = { ...fleet, partitions: { ...counts, [SAMPLES_TOPIC]: 6 } };
  const members = [fleet.start('one'), fleet.start('two')] as const;
  await fleet.run(3);
  const names = Array.from({ length: 8 }, (_, i) => `pc-${i}`);
  for (let seq = 0; seq < 80; seq += 1) {
    for (const server_id of names) {
      const header = { server_id, boot_id: 'boot' };
      // Before its first sample, or behind some.
      if (seq === (server_id === 'pc-0' ? 0 : 5)) send(uneven, [inventory(server_id)], header);
      if (server_id === 'pc-0' && seq === 0) continue;
      send(uneven, [sample({ ts: fleet.clock.wallMs(), seq, server_id })], header);
    }
    await fleet.run(1);
  }
  const owners = (name: string) =>
    members.filter(({ registry }) => registry.find(name, '')?.isOurs === true).length;
  expect(names.map(owners)).toEqual(names.map(() => 1));
  expect(fleet.told()).toEqual([]);
  for (const { lines } of members) {
    const warnings = lines.filter(({ msg }) => msg.startsWith('partitions differ'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.msg).toContain(`${SAMPLES_TOPIC} 6, ${INVENTORY_TOPIC} 3`);
  }
  const stored = members.flatMap(({ db }) => db.prepare('select body from inventories').all());
  expect(stored).toHaveLength(names.length);
});
