import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from './api.ts';
import { Loader, retryMs } from './loader.ts';

const refreshMs = 60_000;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function loaderOf(read: (signal: AbortSignal) => Promise<void>) {
  const changed = vi.fn();
  return { changed, loader: new Loader({ read, refreshMs: () => refreshMs, changed }) };
}

test('it reads again after a while, and sooner after a failure, until that has passed', async () => {
  const read = vi.fn(async () => {});
  read.mockRejectedValueOnce(new ApiError(503, 'The collector answered 503.'));
  const { loader, changed } = loaderOf(read);
  loader.load();
  await vi.advanceTimersByTimeAsync(0);
  expect(loader.problem).toBe('The collector answered 503.');
  await vi.advanceTimersByTimeAsync(retryMs);
  expect(read).toHaveBeenCalledTimes(2);
  expect(loader.problem).toBeNull();
  expect(changed).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(refreshMs - 1);
  expect(read).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(read).toHaveBeenCalledTimes(3);
});

test('a reading that was overtaken is given up and tells nothing, not even its failure', async () => {
  const signals: AbortSignal[] = [];
  const { loader, changed } = loaderOf((signal) => {
    signals.push(signal);
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  });
  loader.load();
  loader.load();
  await vi.advanceTimersByTimeAsync(0);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  expect(loader.isReading).toBe(true);
  loader.stop();
  await vi.advanceTimersByTimeAsync(2 * refreshMs);
  expect(signals).toHaveLength(2);
  expect(loader.isReading).toBe(false);
  expect(loader.problem).toBeNull();
  expect(changed).not.toHaveBeenCalled();
});
