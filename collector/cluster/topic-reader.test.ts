import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import type { LogReader } from '../../wire/transport/log/port.ts';
import { Group } from '../store/group.ts';
import { TopicPositions } from './topic-positions.ts';
import { TopicReader } from './topic-reader.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('each reason why a topic cannot be read is told once, and again when it was read meanwhile', async () => {
  let why: string | undefined = 'nobody answers';
  let end = (): void => {};
  const follow: LogReader['follow'] = async (_from, { caughtUp }) => {
    if (why === undefined) caughtUp();
    else throw new WindrowError('unreachable', why, { retryable: true, hint: 'look' });
    await new Promise<void>((resolve) => (end = resolve));
  };
  const { log, lines } = createKeptLog();
  const reader = new TopicReader({
    topic: 'w',
    what: 'windows',
    reader: { follow, end: async () => [] },
    clock: createManualClock(),
    log,
    positions: new TopicPositions('w', new Map()),
    take: () => {},
    unreadable: () => {},
    store: {
      group: new Group(),
      scheduleRead: () => {},
      committed: async () => {},
      failure: undefined,
    },
  });
  const ended = new AbortController();
  const running = reader.run(ended.signal);
  const messages = () => lines.map(({ msg }) => msg);
  const told = (reason: string) => `${reason}; windows of other collectors wait`;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(messages()).toEqual([told('nobody answers')]);
  expect(lines[0]?.['hint']).toBe('look');
  expect(reader.failure).toBe('nobody answers');
  why = 'not allowed';
  await vi.advanceTimersByTimeAsync(60_000);
  why = 'nobody answers';
  await vi.advanceTimersByTimeAsync(60_000);
  expect(messages()).toEqual([told('nobody answers'), told('not allowed')]);
  why = undefined;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(reader.failure).toBeUndefined();
  why = 'nobody answers';
  end();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(messages().slice(2)).toEqual([told('nobody answers')]);
  ended.abort();
  await vi.advanceTimersByTimeAsync(60_000);
  await running;
});
