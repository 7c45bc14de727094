/** What a collector says of itself while nobody hears of what it makes. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fleet } from './testing/stage.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('a collector that can publish nothing is not ready, though it hears the servers', async () => {
  const f = fleet();
  const { cluster } = await f.start('one');
  await f.sendEachSecond(2);
  expect(cluster.failure).toBeUndefined();
  f.log.failSends(1_000_000);
  await f.sendEachSecond(60, 2);
  expect(cluster.failure).toContain('no windows have been published for more than 30 s: ');
  expect(cluster.isCaughtUp).toBe(true);
  f.log.failSends(0);
  await f.sendEachSecond(10, 62);
  expect(cluster.failure).toBeUndefined();
});
