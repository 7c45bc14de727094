import { expect, it } from 'vitest';
import { cleanupTrouble } from './cleanup.ts';

const spec = { partitions: 1, replicas: undefined };
const shared = {
  ...spec,
  name: 'window-results',
  settings: { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': '1000' },
};
const alerts = { ...spec, name: 'alerts', settings: { 'cleanup.policy': 'compact' } };
const samples = { ...spec, name: 'windrow-samples', settings: {} };

const as = (policy: string, lagMs = 0) =>
  new Map([
    ['cleanup.policy', policy],
    ['min.compaction.lag.ms', `${lagMs}`],
  ]);

it('a topic that keeps what it is to keep is well, and so is one whose settings nobody may see', () => {
  for (const [topic, settings] of [
    [shared, as('compact', 1_000)],
    [shared, as('compact', 2_000)],
    [alerts, as('compact')],
    [samples, as('delete')],
    [shared, undefined],
    [samples, undefined],
  ] as const) {
    expect(cleanupTrouble(topic, settings)).toBeUndefined();
  }
});

it.each([
  [shared, as('delete', 1_000), 'cleanup.policy is delete, so what gets old is lost'],
  [alerts, as('compact,delete'), 'cleanup.policy is compact,delete, so what gets old is lost'],
  [shared, as('compact', 999), 'min.compaction.lag.ms is 999, so who was away does not get all'],
  [samples, as('compact'), 'cleanup.policy is compact, so of each key all but the newest'],
  [samples, as('compact,delete'), 'cleanup.policy is compact,delete, so of each key all but'],
])('%o with %o', (topic, settings, what) => {
  expect(cleanupTrouble(topic, settings)).toMatchObject({
    topic: topic.name,
    what: expect.stringContaining(what) as string,
  });
});

it('what mends it gives all that the topic is made with', () => {
  const alter = 'kafka-configs.sh --alter --topic';
  expect(cleanupTrouble(shared, as('delete'))?.mend).toBe(
    `${alter} window-results --add-config cleanup.policy=compact,min.compaction.lag.ms=1000`,
  );
  expect(cleanupTrouble(alerts, as('delete'))?.mend).toBe(
    `${alter} alerts --add-config cleanup.policy=compact`,
  );
  expect(cleanupTrouble(samples, as('compact'))?.mend).toBe(
    `${alter} windrow-samples --add-config cleanup.policy=delete`,
  );
});
