import { expect, it, onTestFinished, vi } from 'vitest';
import { everyTick } from './ticker.ts';

function fixture() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const stopping = new AbortController();
  onTestFinished(() => {
    stopping.abort();
    vi.useRealTimers();
  });
  const startMs = performance.now();
  const ticks: number[] = [];
  const note = (): void => void ticks.push(performance.now() - startMs);
  return { stopping, ticks, note };
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

it('the first tick is one interval from now, and then one in each', async () => {
  const { stopping, ticks, note } = fixture();
  void everyTick(1_000, stopping.signal, note);
  await pass(3_500);
  expect(ticks).toEqual([1_000, 2_000, 3_000]);
});

it('work that takes long does not shift the ticks after it', async () => {
  const { stopping, ticks, note } = fixture();
  void everyTick(1_000, stopping.signal, async () => {
    note();
    await new Promise((resolve) => setTimeout(resolve, 300));
  });
  await pass(3_500);
  expect(ticks).toEqual([1_000, 2_000, 3_000]);
});

it('ticks that were missed are left out, not made up for in a burst', async () => {
  const { stopping, ticks, note } = fixture();
  void everyTick(1_000, stopping.signal, async () => {
    note();
    if (ticks.length === 1) await new Promise((resolve) => setTimeout(resolve, 3_400));
  });
  await pass(6_500);
  expect(ticks).toEqual([1_000, 5_000, 6_000]);
});

it('a stop ends the wait at once and calls nothing more', async () => {
  const { stopping, ticks, note } = fixture();
  const done = everyTick(1_000, stopping.signal, note);
  await pass(1_500);
  stopping.abort();
  await done;
  await pass(10_000);
  expect(ticks).toEqual([1_000]);
  expect(vi.getTimerCount()).toBe(0);
});
