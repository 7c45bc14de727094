import { expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { createMemoryOutbox } from '../outbox/testing/memory-outbox.ts';
import { Shipper } from './shipper.ts';

const agents = 1_000;
const outageSeconds = 30 * 60;
/** The end of the outage, gone through second by second: long enough for all waits to be at their cap. */
const lastSeconds = 3 * 60;
const answerMs = 20;

it('a thousand agents that come back at once come spread out: peak to mean of what arrives is at most 3', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const stopping = new AbortController();
  onTestFinished(() => {
    stopping.abort();
    vi.useRealTimers();
  });
  const random = seededRandom(20_260_115);
  const { log } = createKeptLog();
  const clock = { wallMs: () => performance.now(), monotonicMs: () => performance.now() };
  let isAway = true;
  const arrived: number[] = [];
  let backMs = 0;
  const sender = {
    async send({ records }: { readonly records: readonly unknown[] }) {
      if (isAway) throw new WindrowError('unreachable', 'nobody there', { retryable: true });
      const second = Math.floor((performance.now() - backMs) / 1_000);
      arrived[second] = (arrived[second] ?? 0) + records.length;
      await new Promise((resolve) => setTimeout(resolve, answerMs));
      return { stored: records.length, duplicates: 0, quarantined: 0, now: 0 };
    },
    async close() {},
  };
  const fleet = Array.from({ length: agents }, (_, no) => {
    const outbox = createMemoryOutbox(`boot-${no}`);
    const identity = { serverId: `pc-${no}`, bootId: `boot-${no}` };
    const shipper = new Shipper({
      outbox,
      sender,
      identity,
      receiver: 'the collector',
      clock,
      random,
      log,
    });
    let seq = 0;
    const tick = (): void => {
      outbox.add({ line: '{}', atMs: seq * 1_000, seq });
      seq += 1;
      shipper.notify();
    };
    for (let second = lastSeconds; second < outageSeconds; second += 1) tick();
    void shipper.run(stopping.signal);
    return { outbox, tick };
  });
  const second = async (): Promise<void> => {
    for (const { tick } of fleet) tick();
    await vi.advanceTimersByTimeAsync(1_000);
  };
  for (let i = 0; i < lastSeconds; i += 1) await second();

  isAway = false;
  backMs = performance.now();
  const waiting = (): number => fleet.reduce((sum, { outbox }) => sum + outbox.size, 0);
  for (let i = 0; i < 10 * 60 && waiting() > 0; i += 1) await second();
  const counts = Array.from(arrived, (count) => count ?? 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const peak = Math.max(...counts);
  const mean = total / counts.length;
  console.info(
    `${total} records in ${counts.length} s: mean ${Math.round(mean)}/s, peak ${peak}/s, ratio ${(peak / mean).toFixed(2)}`,
  );
  expect(waiting()).toBe(0);
  expect(total).toBeGreaterThanOrEqual(agents * outageSeconds);
  expect(peak / mean).toBeLessThanOrEqual(3);
}, 60_000);
