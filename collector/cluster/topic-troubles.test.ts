import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import type { TopicsFound } from '../../wire/transport/kafka/look-at-topics.ts';
import { lookAgainMs, lookEveryMs, lookMsMax, tellTroubles } from './topic-troubles.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const trouble = { topic: 'a', what: 'it forgets', mend: 'Say so.' };
const well: TopicsFound = { troubles: [], unseen: [] };

/** Topics are looked at, from the first look (0) on; ended with the test. */
function told(look: (nth: number) => Promise<TopicsFound>) {
  const { log, lines } = createKeptLog();
  let count = 0;
  const looks = vi.fn(() => look(count++));
  const stopping = new AbortController();
  const running = tellTroubles({ look: looks, log }, stopping.signal);
  const stop = (): Promise<void> => {
    stopping.abort();
    return running;
  };
  onTestFinished(stop);
  return { lines, looks, stop };
}

it('each topic that loses records is one warning, however often it is looked at', async () => {
  const other = { ...trouble, topic: 'b' };
  const { lines, looks } = told(async () => ({ troubles: [trouble, other], unseen: [] }));
  await vi.advanceTimersByTimeAsync(3 * lookEveryMs);
  expect(looks).toHaveBeenCalledTimes(4);
  expect(lines).toEqual([
    { level: 'warn', hint: 'Say so.', msg: 'topic a: it forgets' },
    { level: 'warn', hint: 'Say so.', msg: 'topic b: it forgets' },
  ]);
});

it('what is amiss only later is told then, and not again when it comes and goes; another state is', async () => {
  const few = { ...trouble, what: 'replication is 1, not 3' };
  const other = { ...trouble, what: 'replication is 2, not 3' };
  // Two brokers are up, all three, one is away for a moment, and somebody gives one more replica.
  const found = [[], [few], [], [few], [other]];
  const { lines } = told(async (nth) => ({ troubles: found[nth] ?? [], unseen: [] }));
  await vi.advanceTimersByTimeAsync(0);
  expect(lines).toEqual([]);
  await vi.advanceTimersByTimeAsync(3 * lookEveryMs);
  expect(lines.map(({ msg }) => msg)).toEqual(['topic a: replication is 1, not 3']);
  await vi.advanceTimersByTimeAsync(lookEveryMs);
  expect(lines.map(({ msg }) => msg)).toEqual([
    'topic a: replication is 1, not 3',
    'topic a: replication is 2, not 3',
  ]);
});

it('all is well: nothing is told', async () => {
  const { lines, looks } = told(async () => well);
  await vi.advanceTimersByTimeAsync(lookEveryMs);
  expect(looks).toHaveBeenCalledTimes(2);
  expect(lines).toEqual([]);
});

it('without the right to see settings it says so once, and what it could see', async () => {
  const { lines } = told(async () => ({ troubles: [trouble], unseen: ['b', 'c'] }));
  await vi.advanceTimersByTimeAsync(2 * lookEveryMs);
  expect(lines).toMatchObject([
    { level: 'warn', msg: 'topic a: it forgets' },
    {
      level: 'info',
      hint: expect.stringContaining('DescribeConfigs') as string,
      msg: 'settings of b, c cannot be seen, so nobody tells whether they lose records',
    },
  ]);
});

it('brokers that refuse, or do not answer, are told once, and are looked at again', async () => {
  const refused = told(() => Promise.reject(new Error('no')));
  await vi.advanceTimersByTimeAsync(2 * lookAgainMs);
  expect(refused.looks).toHaveBeenCalledTimes(3);
  expect(refused.lines).toMatchObject([{ level: 'info', error: 'no' }]);
  const silent = told((nth) =>
    nth === 0 ? new Promise(() => {}) : Promise.resolve({ troubles: [trouble], unseen: [] }),
  );
  await vi.advanceTimersByTimeAsync(lookMsMax);
  expect(silent.lines).toMatchObject([
    { level: 'info', error: expect.stringContaining(`${lookMsMax} ms`) as string },
  ]);
  await vi.advanceTimersByTimeAsync(lookAgainMs);
  expect(silent.lines).toMatchObject([{}, { msg: 'topic a: it forgets' }]);
});

it('brokers that go away later are left to whoever reads', async () => {
  const { lines, looks } = told((nth) =>
    nth === 0 ? Promise.resolve(well) : Promise.reject(new Error('away')),
  );
  await vi.advanceTimersByTimeAsync(2 * lookAgainMs);
  expect(looks).toHaveBeenCalledTimes(3);
  expect(lines).toEqual([]);
});

it('a collector that stops waits for no answer, and says nothing', async () => {
  const { lines, looks, stop } = told(() => new Promise(() => {}));
  await stop();
  expect(looks).toHaveBeenCalledOnce();
  expect(lines).toEqual([]);
});
