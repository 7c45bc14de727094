import { expect, it, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import type { CleanupFound } from '../../wire/transport/kafka/cleanup.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import { lookMsMax, tellCleanup } from './cleanup.ts';

const never = new AbortController().signal;
const spec = { name: 'a', partitions: 2, replicas: 1, settings: {} };

/** A log whose topics were looked at; each start ensures them anew, as a collector that cannot join does. */
function told(look: () => Promise<CleanupFound>) {
  const { log, lines } = createKeptLog();
  const looks = vi.fn(look);
  const memory = createMemoryLog({ topics: {}, clock: createManualClock() });
  const source = tellCleanup(memory, { look: looks, log });
  const ensure = async (signal = never): Promise<void> => {
    const admin = source.admin();
    await admin.ensure([spec], signal);
    await admin.close();
  };
  return { source, ensure, lines, looks };
}

const trouble = { topic: 'a', what: 'it forgets', mend: 'Say so.' };

it('each topic that loses records is one warning, however often topics are made', async () => {
  const other = { ...trouble, topic: 'b' };
  const { source, ensure, lines, looks } = told(async () => ({
    troubles: [trouble, other],
    unseen: [],
  }));
  await ensure();
  await ensure();
  expect(lines).toEqual([
    { level: 'warn', hint: 'Say so.', msg: 'topic a: it forgets' },
    { level: 'warn', hint: 'Say so.', msg: 'topic b: it forgets' },
  ]);
  expect(looks).toHaveBeenCalledTimes(1);
  expect(await source.admin().partitions(['a'], never)).toEqual(new Map([['a', 2]]));
});

it('all is well: nothing is told', async () => {
  const { ensure, lines } = told(async () => ({ troubles: [], unseen: [] }));
  await ensure();
  expect(lines).toEqual([]);
});

it('without the right to see settings it says so once, and what it could see', async () => {
  const { ensure, lines } = told(async () => ({ troubles: [trouble], unseen: ['b', 'c'] }));
  await ensure();
  await ensure();
  expect(lines).toMatchObject([
    { level: 'warn', msg: 'topic a: it forgets' },
    {
      level: 'info',
      hint: expect.stringContaining('DescribeConfigs') as string,
      msg: 'settings of b, c cannot be seen, so nobody tells whether they lose records',
    },
  ]);
});

it('brokers that refuse, or do not answer, stop nothing and are told once', async () => {
  const refused = told(() => Promise.reject(new Error('no')));
  await refused.ensure();
  await refused.ensure();
  expect(refused.lines).toMatchObject([{ level: 'info', error: 'no' }]);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const silent = told(() => new Promise(() => {}));
    const ensured = silent.ensure();
    await vi.advanceTimersByTimeAsync(lookMsMax);
    await ensured;
    expect(silent.lines).toMatchObject([
      { level: 'info', error: expect.stringContaining(`${lookMsMax} ms`) as string },
    ]);
  } finally {
    vi.useRealTimers();
  }
});

it('a collector that stops waits for no answer, and says nothing', async () => {
  const { ensure, lines } = told(() => new Promise(() => {}));
  const stopping = new AbortController();
  const ensured = ensure(stopping.signal);
  stopping.abort();
  await ensured;
  expect(lines).toEqual([]);
});
