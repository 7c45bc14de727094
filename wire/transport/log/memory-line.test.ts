import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createManualClock } from '../../../runtime/testing/manual-clock.ts';
import { createMemoryLog } from './memory.ts';

const never = new AbortController().signal;
const noticedMs = 15_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** Two members of a group that share a topic, of which the first can be cut off. */
async function rigOf() {
  const clock = createManualClock();
  const log = createMemoryLog({ topics: { a: 2 }, clock });
  const program = log.ofProgram();
  const stopping = new AbortController();
  onTestFinished(() => stopping.abort());
  const join = (member: string, ends: typeof program | typeof log) => {
    const consumer = ends.consumer({ group: 'g', member, topics: ['a'] });
    const told: string[] = [];
    const handler = {
      assigned: async (slots: ReadonlySet<number>) => void told.push(`has ${[...slots].join()}`),
      take: async (records: readonly unknown[]) => void told.push(`takes ${records.length}`),
      parted: () => void told.push('parted'),
    };
    void consumer.run(handler, stopping.signal);
    return { consumer, told };
  };
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 100) {
      clock.advance(100);
      await vi.advanceTimersByTimeAsync(100);
    }
  };
  const [one, two] = [join('one', program), join('two', log)];
  await pass(1_000);
  for (const { told } of [one, two]) told.length = 0;
  const send = (partition: number): Promise<void> =>
    program.producer().send([{ topic: 'a', key: '', value: 'x', partition }], never);
  return { log, program, one, two, pass, send };
}

it('who is cut off for less than a session goes on with what it has', async () => {
  const { log, program, one, two, pass, send } = await rigOf();
  program.cutOff(noticedMs);
  const sending = send(0);
  await pass(9_000);
  expect(log.records('a')).toEqual([]);
  expect(one.consumer.ownsShare).toBe(true);
  const commit = one.consumer.commit([{ topic: 'a', partition: 0, offset: 0 }], never);
  await expect(commit).rejects.toMatchObject({ retryable: true });
  program.heal(500);
  await sending;
  await pass(5_000);
  expect([one.told, two.told]).toEqual([['takes 1'], []]);
  expect(one.consumer.ownsShare).toBe(true);
});

it('who is cut off for longer is out, and reads on until it is heard, then joins anew', async () => {
  const { log, program, one, two, pass, send } = await rigOf();
  program.cutOff(noticedMs);
  await pass(11_000);
  expect([one.told, two.told]).toEqual([[], ['parted', 'has 0,1']]);
  expect(one.consumer.ownsShare).toBe(false);
  program.heal(2_000);
  await send(0);
  await pass(1_000);
  expect(one.told).toEqual(['takes 1']);
  expect(log.records('a')).toHaveLength(1);
  await pass(3_000);
  expect(one.told.slice(1)).toEqual(['parted', 'parted', 'has 0', 'takes 1']);
  expect(two.told.at(-1)).toBe('has 1');
  expect(one.consumer.ownsShare).toBe(true);
});

it('who is cut off for long notices by itself; what it sends fails', async () => {
  const { program, one, pass, send } = await rigOf();
  program.cutOff(noticedMs);
  const sending = expect(send(0)).rejects.toMatchObject({ retryable: true });
  await pass(noticedMs - 100);
  await sending;
  expect(one.told).toEqual([]);
  await pass(200);
  expect(one.told).toEqual(['parted']);
  program.heal(60_000);
  await pass(1_000);
  expect(one.told.at(-1)).toBe('has 0');
});
