import * as library from '@platformatic/kafka';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { KafkaClient } from './client.ts';
import { KafkaConsumer } from './consumer.ts';
import { sessionMs } from './session.ts';

const settings = { brokers: ['127.0.0.1:9'], clientId: 'test', tls: undefined, sasl: undefined };
const group = { group: 'g', member: 'one', topics: ['t'] };
const heartbeatMs = 2_500;

type Answers = Readonly<Record<string, () => Promise<unknown>>>;

/** A group of one that has no slots. @param answers what its coordinator says otherwise, by api */
function groupOfOne(answers: Answers): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const apis: Answers = {
    FindCoordinator: async () => ({ coordinators: [{ nodeId: 1 }] }),
    JoinGroup: async () => ({ generationId: 1, leader: 'm', memberId: 'm', members: [] }),
    SyncGroup: async () => ({ assignment: Buffer.alloc(0) }),
    LeaveGroup: async () => {},
    ...answers,
  };
  const client = {
    library,
    metadata: async () => ({ brokers: new Map(), topics: new Map() }),
    call: (api: string) => apis[api]?.(),
    close: async () => {},
  };
  const opening = vi.spyOn(KafkaClient, 'open').mockResolvedValue(client as never);
  onTestFinished(() => {
    vi.useRealTimers();
    opening.mockRestore();
  });
}

it.each([
  [
    'a right that was revoked',
    Object.assign(new Error('a reason'), { apiId: 'GROUP_AUTHORIZATION_FAILED' }),
    'the broker does not allow it',
  ],
  ['a broker that does not answer', new Error('Request timed out'), 'the broker does not answer'],
])('a member that is not heard says why: %s', async (_, failure, why) => {
  let failing: Error | undefined = failure;
  groupOfOne({
    Heartbeat: async () => {
      if (failing !== undefined) throw failing;
    },
  });
  const consumer = new KafkaConsumer(settings, group, createKeptLog().log);
  const told: (string | undefined)[] = [];
  const stopping = new AbortController();
  const running = consumer.run(
    {
      assigned: async () => {},
      take: async () => {},
      interrupted: (reason) => void told.push(reason),
    },
    stopping.signal,
  );
  await vi.advanceTimersByTimeAsync(heartbeatMs + 100);
  expect(told).toEqual([`group g cannot read: ${why}`]);
  failing = undefined;
  await vi.advanceTimersByTimeAsync(heartbeatMs);
  expect(told.slice(1)).toEqual([undefined]);
  stopping.abort();
  await running;
});

it('a member that stood still owns nothing before the group hears of it again, and parts where it did not', async () => {
  let nowMs = 1_000_000;
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => nowMs);
  onTestFinished(() => clock.mockRestore());
  let standsStillMs = 0;
  // The answer was there when it went on: to what it asked before.
  groupOfOne({ Heartbeat: async () => void (nowMs += standsStillMs) });
  const consumer = new KafkaConsumer(settings, group, createKeptLog().log);
  let shares = 0;
  const stopping = new AbortController();
  const handler = { assigned: async () => void (shares += 1), take: async () => {} };
  const running = consumer.run(handler, stopping.signal);
  await vi.advanceTimersByTimeAsync(100);
  expect(shares).toBe(1);
  expect(consumer.ownsShare).toBe(true);
  nowMs += sessionMs;
  expect(consumer.ownsShare).toBe(false);
  await vi.advanceTimersByTimeAsync(heartbeatMs);
  expect(consumer.ownsShare).toBe(true);
  expect(shares).toBe(1);
  standsStillMs = sessionMs;
  await vi.advanceTimersByTimeAsync(heartbeatMs);
  standsStillMs = 0;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(shares).toBe(2);
  expect(consumer.ownsShare).toBe(true);
  stopping.abort();
  await running;
  expect(consumer.ownsShare).toBe(false);
});

it('what cannot be committed for want of a share says why there is none', async () => {
  const denied = Object.assign(new Error('a reason'), { apiId: 'GROUP_AUTHORIZATION_FAILED' });
  let failing: Error | undefined;
  groupOfOne({
    JoinGroup: async () => {
      if (failing !== undefined) throw failing;
      return new Promise(() => {});
    },
  });
  const consumer = new KafkaConsumer(settings, group, createKeptLog().log);
  const stopping = new AbortController();
  const handler = { assigned: async () => {}, take: async () => {} };
  const commit = () => consumer.commit([{ topic: 't', partition: 0, offset: 1 }], stopping.signal);
  const moving = consumer.run(handler, stopping.signal);
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(commit()).rejects.toMatchObject({
    message: 'the group changes hands',
    hint: expect.stringContaining('--members') as string,
  });
  stopping.abort();
  await moving;
  failing = denied;
  const again = new AbortController();
  const failed = consumer.run(handler, again.signal);
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(commit()).rejects.toMatchObject({
    message: 'group g cannot read: the broker does not allow it',
    hint: expect.stringContaining('Read on group g') as string,
  });
  again.abort();
  await failed;
});

it.each([
  ['JoinGroup', 'UNKNOWN_MEMBER_ID'],
  ['SyncGroup', 'REBALANCE_IN_PROGRESS'],
])('an ordinary move of the group is no line in the log: %s says %s', async (api, apiId) => {
  const answers: Answers = {
    JoinGroup: async () => ({ generationId: 1, leader: 'm', memberId: 'm', members: [] }),
    SyncGroup: async () => ({ assignment: Buffer.alloc(0) }),
  };
  let refused = 0;
  groupOfOne({
    ...answers,
    [api]: async () => {
      refused += 1;
      if (refused === 1) throw Object.assign(new Error('a reason'), { apiId });
      return answers[api]?.();
    },
  });
  const { log, lines } = createKeptLog();
  const consumer = new KafkaConsumer(settings, group, log);
  const stopping = new AbortController();
  let shares = 0;
  const assigned = async (): Promise<void> => void (shares += 1);
  const running = consumer.run({ assigned, take: async () => {} }, stopping.signal);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(shares).toBe(1);
  expect(refused).toBeGreaterThan(1);
  expect(lines).toEqual([]);
  stopping.abort();
  await running;
});
