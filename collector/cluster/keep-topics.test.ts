import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import type { LogAdmin, TopicSpec } from '../../wire/transport/log/port.ts';
import { keepTopics, lookEveryMs } from './keep-topics.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const topics: readonly TopicSpec[] = ['w', 'a'].map((name) => ({
  name,
  partitions: 2,
  replicas: undefined,
  settings: {},
}));
const made = 'topic w was not there; it was made again';

function keep(ensure?: LogAdmin['ensure']) {
  const source = createMemoryLog({ topics: { w: 2, a: 2 }, clock: createManualClock() });
  const { log, lines } = createKeptLog();
  const reading: { unread?: string | undefined; otherUnread?: string } = {};
  const admin = (): LogAdmin => ({
    ...source.admin(),
    ...(ensure === undefined ? {} : { ensure }),
  });
  const stopping = new AbortController();
  const unread = (topic: string): string | undefined =>
    topic === 'w' ? reading.unread : reading.otherUnread;
  const running = keepTopics({ source: { admin }, topics, unread, log }, stopping.signal);
  const stop = (): Promise<void> => {
    stopping.abort();
    return running;
  };
  onTestFinished(stop);
  const isThere = async () => (await source.admin().partitions(['w'], stopping.signal)).has('w');
  return { source, reading, isThere, stop, messages: () => lines.map(({ msg }) => msg) };
}

it('a topic that is gone for longer than a look is made again, and told', async () => {
  const { source, reading, isThere, messages } = keep();
  source.remove('w');
  reading.unread = 'topic w is not there';
  await vi.advanceTimersByTimeAsync(lookEveryMs);
  expect(await isThere()).toBe(false);
  await vi.advanceTimersByTimeAsync(lookEveryMs);
  expect(await isThere()).toBe(true);
  expect(messages()).toEqual([made]);
});

it('while all is read nobody looks; each topic that goes has its time', async () => {
  const { source, reading, isThere } = keep();
  source.remove('w');
  await vi.advanceTimersByTimeAsync(3 * lookEveryMs);
  expect(await isThere()).toBe(false);
  for (const unread of ['away', undefined, 'away']) {
    reading.unread = unread;
    await vi.advanceTimersByTimeAsync(lookEveryMs);
  }
  expect(await isThere()).toBe(false);
});

it('trouble with one topic takes no time from another', async () => {
  const { source, reading, isThere } = keep();
  reading.otherUnread = 'no leader of a/0';
  await vi.advanceTimersByTimeAsync(3 * lookEveryMs);
  source.remove('w');
  reading.unread = 'topic w is not there';
  await vi.advanceTimersByTimeAsync(lookEveryMs);
  expect(await isThere()).toBe(false);
  await vi.advanceTimersByTimeAsync(lookEveryMs);
  expect(await isThere()).toBe(true);
});

it('what may not be made now is tried again, until the end', async () => {
  let tries = 0;
  const { source, reading, messages, stop } = keep(async () => {
    tries += 1;
    if (tries === 1) throw new Error('not allowed');
  });
  source.remove('w');
  reading.unread = 'topic w is not there';
  await vi.advanceTimersByTimeAsync(3 * lookEveryMs);
  expect(messages()).toEqual(['topics cannot be made again', made]);
  await stop();
  await vi.advanceTimersByTimeAsync(3 * lookEveryMs);
  expect(tries).toBe(2);
});
