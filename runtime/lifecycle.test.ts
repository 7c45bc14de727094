import { expect, it, onTestFinished, vi } from 'vitest';
import { aborted, Lifecycle, pause, withinMs } from './lifecycle.ts';
import { createKeptLog } from './testing/kept-log.ts';

function fixture() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { log, lines } = createKeptLog();
  return { lifecycle: new Lifecycle(log), lines };
}

const forever = (): Promise<void> => new Promise(() => {});

it('what was started last stops first, one after the other', async () => {
  const { lifecycle } = fixture();
  const order: string[] = [];
  for (const name of ['database', 'writer', 'server']) {
    lifecycle.onStop(name, async () => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} ends`);
    });
  }
  await lifecycle.stop();
  expect(order).toEqual([
    'server begins',
    'server ends',
    'writer begins',
    'writer ends',
    'database begins',
    'database ends',
  ]);
});

it('a part that hangs is given up after five seconds, and the others still stop', async () => {
  const { lifecycle, lines } = fixture();
  let stopped = false;
  lifecycle.onStop('database', () => {
    stopped = true;
  });
  lifecycle.onStop('server', forever);
  const stopping = lifecycle.stop();
  await vi.advanceTimersByTimeAsync(4_999);
  expect(stopped).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await stopping;
  expect(stopped).toBe(true);
  expect(lines).toMatchObject([{ part: 'server', msg: 'a part did not stop well' }]);
});

it.each([
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
  ['rejects', () => Promise.reject(new Error('no'))],
] as const)('a part that %s keeps none of the others from stopping', async (_, stop) => {
  const { lifecycle, lines } = fixture();
  const stopped: string[] = [];
  lifecycle.onStop('first', () => void stopped.push('first'));
  lifecycle.onStop('bad', stop);
  lifecycle.onStop('last', () => void stopped.push('last'));
  await lifecycle.stop();
  expect(stopped).toEqual(['last', 'first']);
  expect(lines).toMatchObject([{ part: 'bad', error: 'no' }]);
});

it('stopping twice stops each part once, and both calls wait for the end', async () => {
  const { lifecycle } = fixture();
  const part = Promise.withResolvers<void>();
  const stop = vi.fn<() => Promise<void>>(() => part.promise);
  lifecycle.onStop('part', stop);
  const ended: number[] = [];
  const both = [1, 2].map((call) => lifecycle.stop().then(() => ended.push(call)));
  await vi.advanceTimersByTimeAsync(10);
  expect(ended).toEqual([]);
  part.resolve();
  await Promise.all(both);
  expect(stop).toHaveBeenCalledTimes(1);
});

it('a bound names what was late, and leaves no timer behind when it was not', async () => {
  fixture();
  const late = expect(withinMs('the server', 100, forever)).rejects.toThrow(
    'the server: not done after 100 ms',
  );
  await vi.advanceTimersByTimeAsync(100);
  await late;
  expect(await withinMs('quick', 100, async () => 5)).toBe(5);
  expect(vi.getTimerCount()).toBe(0);
});

it('a pause ends at its time, or at once when it is aborted, and leaves nothing behind', async () => {
  fixture();
  const controller = new AbortController();
  let ended = 0;
  void pause(1_000, controller.signal).then(() => (ended += 1));
  await vi.advanceTimersByTimeAsync(999);
  expect(ended).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(ended).toBe(1);
  const second = pause(1_000, controller.signal);
  controller.abort();
  await second;
  await pause(1_000, controller.signal);
  await aborted(controller.signal);
  expect(vi.getTimerCount()).toBe(0);
});
