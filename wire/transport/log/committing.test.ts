import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../../../runtime/errors.ts';
import { createManualClock } from '../../../runtime/testing/manual-clock.ts';
import { commitNowAndThen, graceMs } from './committing.ts';

const graceSeconds = graceMs / 1_000;
const moving = new WindrowError('unreachable', 'the group changes hands', { retryable: true });
const denied = new WindrowError('unauthorized', 'not allowed', { hint: 'Allow Read on the group' });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** `pass`: what each commit of so many seconds comes to. */
function scene() {
  const clock = createManualClock();
  const told: string[] = [];
  let commit = async (): Promise<boolean> => true;
  const stopping = new AbortController();
  void commitNowAndThen(
    {
      clock,
      everyMs: 1_000,
      commit: () => commit(),
      onFailing: (message, hint) => void told.push(`${message} (${hint})`),
      onBack: () => void told.push('back'),
    },
    stopping.signal,
  );
  onTestFinished(() => stopping.abort());
  const pass = async (seconds: number, outcome: boolean | Error): Promise<void> => {
    commit = async () => {
      if (outcome instanceof Error) throw outcome;
      return outcome;
    };
    for (let second = 0; second < seconds; second += 1) {
      clock.advance(1_000);
      await vi.advanceTimersByTimeAsync(1_000);
    }
  };
  return { told, pass };
}

it('commits that fail while the group shares anew, or brokers restart, are no line', async () => {
  const { told, pass } = scene();
  await pass(graceSeconds, moving);
  await pass(1, true);
  await pass(graceSeconds, moving);
  await pass(1, true);
  expect(told).toEqual([]);
});

it('commits that go on failing are told once for each fault, with the hint, and when that is over', async () => {
  const { told, pass } = scene();
  await pass(graceSeconds + 1, denied);
  expect(told).toEqual(['not allowed (Allow Read on the group)']);
  await pass(600, denied);
  expect(told).toHaveLength(1);
  await pass(graceSeconds + 1, moving);
  expect(told.slice(1)).toEqual(['the group changes hands (undefined)']);
  await pass(5, true);
  expect(told.slice(2)).toEqual(['back']);
});

it('nothing left to commit is no commit that works; what came before it is no outage that lasts', async () => {
  const { told, pass } = scene();
  await pass(1, moving);
  await pass(600, false);
  await pass(1, moving);
  expect(told).toEqual([]);
  await pass(graceSeconds, moving);
  expect(told).toHaveLength(1);
  await pass(10, false);
  await pass(graceSeconds + 1, moving);
  expect(told).toHaveLength(1);
});
