import { expect, it } from 'vitest';
import { checkClock } from './clock-check.ts';
import type { KafkaClient } from './client.ts';

const theirMs = Date.UTC(2026, 0, 1);

/** A cluster that 1 leads; each answer takes so long. */
function cluster(voters: readonly object[], tookMs: readonly number[] = [0]) {
  const times = [...tookMs];
  const call = async (): Promise<object> => {
    const untilMs = performance.now() + (times.shift() ?? 0);
    while (performance.now() < untilMs);
    return { topics: [{ partitions: [{ leaderId: 1, currentVoters: voters }] }] };
  };
  return { call: call as KafkaClient['call'] };
}

const leader = { replicaId: 1, lastFetchTimestamp: BigInt(theirMs) };
const follower = { replicaId: 2, lastFetchTimestamp: BigInt(theirMs - 700_000) };

it.each([
  ['ahead of', 600_000],
  ['behind', -600_000],
])('a clock that is %s the brokers’ by ten minutes is told, with what to do', async (side, by) => {
  const finding = await checkClock(cluster([follower, leader]), () => theirMs + by);
  expect(finding.status).toBe('warn');
  expect(finding.message).toMatch(new RegExp(`^(600000|600001|599999) ms ${side} the brokers`));
  expect(finding.advice).toContain('NTP');
});

it('what a slow answer may hide is nobody’s fault; the quickest answer counts', async () => {
  const slow = await checkClock(cluster([leader], [400, 400, 400]), () => theirMs - 5_300);
  expect(slow.status).toBe('ok');
  const once = await checkClock(cluster([leader], [400, 0, 400]), () => theirMs - 5_300);
  expect(once.status).toBe('warn');
});

it.each([
  ['no times', [{ replicaId: 1 }]],
  ['no time of the leader', [follower]],
  ['times that nobody knows', [{ replicaId: 1, lastFetchTimestamp: -1n }]],
])('brokers that tell %s: it says that it cannot be told', async (_, voters) => {
  const finding = await checkClock(cluster(voters));
  expect(finding).toMatchObject({
    status: 'warn',
    message: expect.stringMatching(/^cannot be told/) as string,
  });
});
