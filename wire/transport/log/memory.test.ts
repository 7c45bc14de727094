import { describe, expect, it, onTestFinished } from 'vitest';
import { createManualClock } from '../../../runtime/testing/manual-clock.ts';
import { createMemoryLog, type MemoryLog } from './memory.ts';
import type { GroupConsumer, LogRecord, SlotStart } from './port.ts';

const never = new AbortController().signal;
const group = 'g';

function logOf(partitions = 4): MemoryLog {
  return createMemoryLog({ topics: { a: partitions, b: partitions }, clock: createManualClock() });
}

interface Running {
  readonly consumer: GroupConsumer;
  /** As told by the last `assigned`. */
  readonly slots: () => readonly number[];
  readonly starts: SlotStart[][];
  readonly taken: LogRecord[];
  readonly ended: Promise<void>;
  readonly stop: () => Promise<void>;
}

function join(log: MemoryLog, member: string): Running {
  const consumer = log.consumer({ group, member, topics: ['a', 'b'] });
  const stopping = new AbortController();
  const starts: SlotStart[][] = [];
  const taken: LogRecord[] = [];
  let slots: readonly number[] = [];
  const ended = consumer.run(
    {
      async assigned(now, startsAt) {
        slots = [...now];
        starts.push([...startsAt]);
      },
      async take(records) {
        taken.push(...records);
      },
    },
    stopping.signal,
  );
  ended.catch(() => {});
  const stop = (): Promise<void> => {
    stopping.abort();
    return ended;
  };
  onTestFinished(() => stop().catch(() => {}));
  return { consumer, slots: () => slots, starts, taken, ended, stop };
}

/** Everything that was on its way in this process has been done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function send(log: MemoryLog, partition: number, ...values: string[]): Promise<void> {
  const records = values.map((value) => ({ topic: 'a', key: 'k', value, partition }));
  await log.producer().send(records, never);
}

function values(running: Running): string[] {
  return running.taken.map(({ value }) => String(value));
}

describe('a log in memory', () => {
  it('a killed member gets nothing more and commits nothing; the others take over', async () => {
    const log = logOf(2);
    const one = join(log, 'one');
    const two = join(log, 'two');
    await settled();
    log.kill(group, 'one');
    await settled();
    expect(two.slots()).toEqual([0, 1]);
    await send(log, 0, 'x');
    await settled();
    expect([values(one), values(two)]).toEqual([[], ['x']]);
    const commit = one.consumer.commit([{ topic: 'a', partition: 0, offset: 1 }], never);
    await expect(commit).rejects.toMatchObject({ retryable: true });
  });

  it('a slot that was away and came back is told as new', async () => {
    const log = logOf(1);
    const one = join(log, 'one');
    await settled();
    log.kill(group, 'one');
    const again = join(log, 'one');
    await settled();
    expect(again.starts[0]?.map(({ partition }) => partition)).toEqual([0, 0]);
    expect(one.starts).toHaveLength(1);
  });

  it('a failing send fails as often as asked, with its records in or out', async () => {
    const log = logOf(1);
    log.failSends(1);
    await expect(send(log, 0, 'x')).rejects.toMatchObject({ retryable: true });
    log.failSends(1, { written: true });
    await expect(send(log, 0, 'y')).rejects.toMatchObject({ retryable: true });
    await send(log, 0, 'z');
    expect(log.records('a').map(({ value }) => String(value))).toEqual(['y', 'z']);
  });

  it('a topic that is made later is read by those who wait for it', async () => {
    const log = createMemoryLog({ clock: createManualClock() });
    const one = join(log, 'one');
    await settled();
    expect(one.slots()).toEqual([]);
    const spec = { name: 'a', partitions: 2, replicas: 1, settings: {} };
    await log.admin().ensure([spec], never);
    await send(log, 1, 'x');
    await settled();
    expect(values(one)).toEqual(['x']);
    expect(await log.admin().partitions(['a', 'none'], never)).toEqual(new Map([['a', 2]]));
  });
});
