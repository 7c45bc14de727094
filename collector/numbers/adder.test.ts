import fc from '../../runtime/testing/property.ts';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { NUMBERS_GROUP, NUMBERS_TOPIC } from '../../wire/compat/seed-d.ts';
import { createMemoryLog, type MemoryLog } from '../../wire/transport/log/memory.ts';
import type { LogRecord, SlotStart } from '../../wire/transport/log/port.ts';
import { addUp } from './adder.ts';
import { type Malformed, type Sum, Totals } from './totals.ts';
import { changedConsumer } from '../../wire/transport/log/testing/changed-consumer.ts';

const never = new AbortController().signal;

function logOf(partitions = 1): MemoryLog {
  return createMemoryLog({ topics: { [NUMBERS_TOPIC]: partitions }, clock: createManualClock() });
}

async function send(log: MemoryLog, partition: number, ...values: string[]): Promise<void> {
  const topic = NUMBERS_TOPIC;
  const records = values.map((value) => ({ topic, key: '', value, partition }));
  await log.producer().send(records, never);
}

/** @param slow makes whoever reads the output wait */
function start(
  log: Pick<MemoryLog, 'consumer'>,
  member = 'one',
  slow: (malformed: readonly Malformed[]) => Promise<void> | undefined = () => undefined,
) {
  const stopping = new AbortController();
  const sums: Sum[] = [];
  const malformed: Malformed[] = [];
  const told: string[] = [];
  const running = addUp(
    {
      source: log,
      group: NUMBERS_GROUP,
      member,
      onSum: async (sum, bad) => {
        sums.push(sum);
        malformed.push(...bad);
        await slow(bad);
      },
      tell: (line) => void told.push(line),
    },
    stopping.signal,
  );
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  onTestFinished(() => stop().catch(() => {}));
  return { sums, malformed, told, stop, last: () => sums.at(-1), running };
}

/** Everything that was on its way in this process has been done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('the adder', () => {
  it('where another one takes its name it ends, and says what a person can do', async () => {
    const log = logOf();
    const first = start(log);
    first.running.catch(() => {});
    await settled();
    start(log);
    await expect(first.running).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('is called one') as string,
      hint: expect.stringContaining('--group') as string,
    });
  });

  it('a commit that a broker never answers does not hold up the end', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const log = logOf();
    await send(log, 0, '7');
    let commits = 0;
    const hanging: Pick<MemoryLog, 'consumer'> = {
      consumer: (options) => {
        const consumer = log.consumer(options);
        const commit = (): Promise<void> => {
          commits += 1;
          return new Promise(() => {});
        };
        return changedConsumer(consumer, { commit });
      },
    };
    const adder = start(hanging);
    await settled();
    await vi.advanceTimersByTimeAsync(1_500);
    expect(commits).toBe(1);
    let isEnded = false;
    const ending = adder.stop().then(() => (isEnded = true));
    await vi.advanceTimersByTimeAsync(2_000);
    await settled();
    expect(isEnded).toBe(true);
    await ending;
    expect(adder.told).toEqual([expect.stringMatching(/^some numbers will be read again: /)]);
  });

  it('commits that go on failing are told once, and when they work again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const log = logOf();
    await send(log, 0, '7');
    let isAllowed = false;
    const denying: Pick<MemoryLog, 'consumer'> = {
      consumer: (options) => {
        const consumer = log.consumer(options);
        const hint = 'Allow Read on the group.';
        const commit: typeof consumer.commit = async (...all) => {
          if (!isAllowed) throw new WindrowError('unauthorized', 'not allowed', { hint });
          await consumer.commit(...all);
        };
        return changedConsumer(consumer, { commit });
      },
    };
    const { told, stop } = start(denying);
    await settled();
    await vi.advanceTimersByTimeAsync(40_000);
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toEqual([expect.stringMatching(/: not allowed\. Allow Read on the group\.$/)]);
    isAllowed = true;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told.slice(1)).toEqual(['totals are committed again']);
    await stop();
  });

  it('begins at the earliest number, adds up what comes, and skips what is malformed', async () => {
    const log = logOf();
    await send(log, 0, '10.0.0.7:1', 'garbage', '::1:100');
    const adder = start(log);
    await settled();
    expect(adder.last()).toEqual({ total: 101n, numbers: 2 });
    await send(log, 0, '10.0.0.7:5');
    await settled();
    expect(adder.last()).toEqual({ total: 106n, numbers: 3 });
    expect(adder.malformed).toMatchObject([{ partition: 0, offset: 1 }]);
  });

  it('a topic that is gone is told once, with no total of 0 for it, and so is the one made anew', async () => {
    const log = logOf();
    await send(log, 0, '10.0.0.7:60', '10.0.0.7:40');
    const adder = start(log);
    await settled();
    const before = adder.sums.length;
    log.remove(NUMBERS_TOPIC);
    await settled();
    start(log, 'two');
    await settled();
    expect(adder.told).toEqual(['topic numbers is gone: waits until somebody makes it again']);
    expect(adder.sums.slice(before)).toEqual([]);
    const spec = { name: NUMBERS_TOPIC, partitions: 2, replicas: undefined, settings: {} };
    await log.admin().ensure([spec], never);
    await send(log, 0, '10.0.0.7:5');
    await send(log, 1, '10.0.0.7:5');
    await settled();
    expect(adder.told.slice(1)).toEqual([
      'topic numbers was made anew: the total is of this one, from its start',
    ]);
    expect(adder.last()).toEqual({ total: 5n, numbers: 1 });
    expect(adder.sums.slice(before)[0]).toEqual({ total: 0n, numbers: 0 });
  });

  it('what could not be read of a topic that is gone is told with the total of then', async () => {
    const log = logOf();
    await send(log, 0, '10.0.0.7:60');
    const reading = Promise.withResolvers<void>();
    const slow = (bad: readonly Malformed[]) => (bad.length > 0 ? reading.promise : undefined);
    const adder = start(log, 'one', slow);
    await settled();
    for (let i = 0; i < 2; i += 1) {
      log.spoil(place, 'broken');
      await settled();
    }
    log.remove(NUMBERS_TOPIC);
    await settled();
    reading.resolve();
    await settled();
    expect(adder.malformed).toHaveLength(2);
    expect(adder.last()).toEqual({ total: 60n, numbers: 1 });
  });

  it('a topic that is made anew at once is told, too', async () => {
    const log = logOf();
    await send(log, 0, '10.0.0.7:60');
    const adder = start(log);
    await settled();
    log.remove(NUMBERS_TOPIC);
    const spec = { name: NUMBERS_TOPIC, partitions: 1, replicas: undefined, settings: {} };
    await log.admin().ensure([spec], never);
    await send(log, 0, '10.0.0.7:5');
    await settled();
    expect(adder.told).toEqual([
      'topic numbers was made anew: the total is of this one, from its start',
    ]);
    expect(adder.last()).toEqual({ total: 5n, numbers: 1 });
  });

  it('one that is started again goes on with the total, and says so at once', async () => {
    const log = logOf();
    await send(log, 0, '10.0.0.7:60', '10.0.0.7:40');
    const first = start(log);
    await settled();
    await first.stop();
    const second = start(log);
    await settled();
    expect(second.sums).toEqual([{ total: 100n, numbers: 2 }]);
    await send(log, 0, '10.0.0.7:1');
    await settled();
    expect(second.last()).toEqual({ total: 101n, numbers: 3 });
    expect(second.told).toEqual([]);
  });

  it('what cannot be read is told, counted and passed by for good; meanwhile nothing else is taken', async () => {
    const log = logOf();
    const why = 'a batch unpacks to more than 16 MiB';
    await send(log, 0, '10.0.0.7:60');
    for (let i = 0; i < 3; i += 1) log.spoil(place, why);
    await send(log, 0, '10.0.0.7:40');
    const reading = Promise.withResolvers<void>();
    const slow = (bad: readonly Malformed[]) => (bad.length > 0 ? reading.promise : undefined);
    const first = start(log, 'one', slow);
    await settled();
    const malformed = [1, 2, 3].map((offset) => ({
      partition: 0,
      offset,
      records: 1,
      reason: why,
    }));
    expect(first.malformed).toEqual(malformed);
    expect(first.last()).toEqual({ total: 60n, numbers: 1 });
    reading.resolve();
    await settled();
    expect(first.malformed).toEqual(malformed);
    expect(first.last()).toEqual({ total: 100n, numbers: 2 });
    log.spoil(place, why);
    await settled();
    await first.stop();
    const second = start(log);
    await settled();
    expect(second.malformed).toEqual([]);
    expect(second.sums).toEqual([{ total: 100n, numbers: 2 }]);
  });

  it('behind another program of the group it begins at 0, and says where', async () => {
    const log = logOf();
    await send(log, 0, '10.0.0.7:60', '10.0.0.7:40', '10.0.0.7:2');
    const other = log.consumer({ group: NUMBERS_GROUP, member: 'old', topics: [NUMBERS_TOPIC] });
    const stopping = new AbortController();
    const ended = other.run({ assigned: async () => {}, take: async () => {} }, stopping.signal);
    await settled();
    await other.commit([{ topic: NUMBERS_TOPIC, partition: 0, offset: 2 }], never);
    stopping.abort();
    await ended;
    const adder = start(log);
    await settled();
    expect(adder.last()).toEqual({ total: 2n, numbers: 1 });
    expect(adder.told).toHaveLength(1);
    expect(adder.told[0]).toContain('up to 2');
  });

  it('a second one of the same name takes over; the first ends with a word about it', async () => {
    const log = logOf();
    const first = start(log);
    await settled();
    start(log);
    await expect(first.running).rejects.toMatchObject({ code: 'config' });
  });
});

describe('totals', () => {
  it('come out right whatever is killed when: no number is missing, none is added twice', () => {
    // What happens to the one who reads: takes so many, commits, or is replaced by a new one.
    const whatHappens = fc.oneof(
      fc.nat(4).map((count) => ({ kind: 'take' as const, count })),
      fc.constant({ kind: 'commit' as const }),
      fc.constant({ kind: 'kill' as const }),
    );
    const number = fc.integer({ min: 1, max: 100 });
    fc.assert(
      fc.property(fc.array(number, { maxLength: 40 }), fc.array(whatHappens), (numbers, events) => {
        const records = numbers.map((value, offset) => recordOf(offset, `10.0.0.7:${value}`));
        const starts: [SlotStart] = [{ ...begin, offset: 0, endOffset: records.length }];
        let totals = new Totals();
        totals.assigned(new Set([0]), starts);
        let at = 0;
        for (const event of [...events, { kind: 'take' as const, count: records.length }]) {
          if (event.kind === 'take') {
            totals.take(records.slice(at, at + event.count));
            at = Math.min(records.length, at + event.count);
          } else if (event.kind === 'commit') {
            const commits = totals.uncommitted;
            Object.assign(starts[0], commits[0]);
            totals.committed(commits);
            expect(totals.uncommitted).toEqual([]);
          } else {
            totals = new Totals();
            expect(totals.assigned(new Set([0]), starts)).toEqual([]);
            at = starts[0].offset;
          }
        }
        const total = numbers.reduce((sum, value) => sum + BigInt(value), 0n);
        expect(totals.sum).toEqual({ total, numbers: numbers.length });
      }),
    );
  });

  it('beyond 2⁵³ are exact, and stay so when another goes on', () => {
    const totals = new Totals();
    const total = 2n ** 53n + 1n;
    const note = JSON.stringify({ total: String(total), numbers: 3 });
    totals.assigned(new Set([0]), [{ ...begin, offset: 9, endOffset: 9, note }]);
    totals.take([recordOf(9, '10.0.0.7:2')]);
    expect(totals.sum.total).toBe(total + 2n);
    expect(totals.uncommitted[0]?.note).toContain(`"${total + 2n}"`);
  });

  it('are of the partitions that are ours: what another has got is not ours to add', () => {
    const totals = new Totals();
    const start = { ...begin, offset: 0, endOffset: 0 };
    const starts = [start, { ...start, partition: 1 }];
    totals.assigned(new Set([0, 1]), starts);
    totals.take([recordOf(0, '10.0.0.7:1'), { ...recordOf(0, '10.0.0.7:2'), partition: 1 }]);
    expect(totals.sum.total).toBe(3n);
    totals.assigned(new Set([1]), []);
    expect(totals.sum).toEqual({ total: 2n, numbers: 1 });
    expect(totals.uncommitted.map(({ partition }) => partition)).toEqual([1]);
  });

  it.each([
    '',
    'x',
    '{}',
    '{"total":"-5","numbers":1}',
    `{"total":"${'9'.repeat(50)}","numbers":1}`,
  ])('a note that is none of ours, %j, is no total', (note) => {
    const totals = new Totals();
    const start = { ...begin, offset: 3, endOffset: 3, note };
    expect(totals.assigned(new Set([0]), [start])).toEqual([start]);
    expect(totals.sum).toEqual({ total: 0n, numbers: 0 });
  });
});

const place = { topic: NUMBERS_TOPIC, partition: 0 };
const begin = { ...place, slot: 0, topicId: 'id' };

function recordOf(offset: number, value: string): LogRecord {
  const headers = new Map<string, Buffer>();
  return { ...place, offset, key: undefined, value: Buffer.from(value), headers, timeMs: 0 };
}
