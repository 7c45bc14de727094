import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
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
  const messages = (): string[] => lines.map(({ msg }) => msg);
  return { source, reading, isThere, stop, lines, messages };
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
  expect(messages()).toEqual(['not allowed; it is tried again', made]);
  await stop();
  await vi.advanceTimersByTimeAsync(3 * lookEveryMs);
  expect(tries).toBe(2);
});

it('why a topic cannot be made is told once with what mends it, and so is its end', async () => {
  const hint = 'Allow Create on topic w';
  const denied = new WindrowError('unauthorized', 'topic w cannot be made', { hint });
  const { source, reading, lines } = keep(() => Promise.reject(denied));
  source.remove('w');
  reading.unread = 'topic w is not there';
  await vi.advanceTimersByTimeAsync(5 * lookEveryMs);
  const told = { level: 'warn', hint, msg: 'topic w cannot be made; it is tried again' };
  expect(lines).toEqual([told]);
  // Somebody made it by hand.
  reading.unread = undefined;
  await vi.advanceTimersByTimeAsync(3 * lookEveryMs);
  const over = { level: 'info', msg: 'all topics that collectors share are there again' };
  expect(lines).toEqual([told, over]);
  reading.unread = 'topic w is not there';
  await vi.advanceTimersByTimeAsync(3 * lookEveryMs);
  expect(lines).toEqual([told, over, told]);
});

it('a topic that may not be made keeps no other from being made', async () => {
  const { source, reading, messages } = keep(async ([topic]) => {
    if (topic?.name === 'w') throw new Error('not allowed');
  });
  for (const name of ['w', 'a']) source.remove(name);
  reading.unread = reading.otherUnread = 'topics are not there';
  await vi.advanceTimersByTimeAsync(2 * lookEveryMs);
  const other = 'topic a was not there; it was made again';
  expect(messages()).toEqual(['not allowed; it is tried again', other]);
});

it('what is wrong with the brokers is left to whoever reads', async () => {
  const fault = 'no broker answers';
  const away = new WindrowError('unreachable', `topic w cannot be made: ${fault}`, { fault });
  const ensure = vi.fn(() => Promise.reject(away));
  const { reading, lines } = keep(ensure);
  reading.unread = fault;
  await vi.advanceTimersByTimeAsync(3 * lookEveryMs);
  expect(ensure).toHaveBeenCalledTimes(2);
  expect(lines).toEqual([]);
});

it('the end is neither trouble nor the end of trouble', async () => {
  const ensure = vi.fn(
    (_: readonly TopicSpec[], signal: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      }),
  );
  const { reading, lines, stop } = keep(ensure);
  reading.unread = 'topic w is not there';
  await vi.advanceTimersByTimeAsync(2 * lookEveryMs);
  expect(ensure).toHaveBeenCalledOnce();
  await stop();
  expect(lines).toEqual([]);

  const denied = keep(() => Promise.reject(new Error('not allowed')));
  denied.reading.unread = 'topic w is not there';
  await vi.advanceTimersByTimeAsync(2 * lookEveryMs);
  await denied.stop();
  expect(denied.messages()).toEqual(['not allowed; it is tried again']);
});
