import { expect, it, vi } from 'vitest';
import type { LogRecord, PartitionOffset } from '../log/port.ts';
import type { Requests } from './client.ts';
import { batchesIn, type FetchAnswer } from './fetch-answer.ts';
import { fetchAll } from './fetching.ts';
import { placeKey } from './offsets.ts';
import type { Gap } from './pieces.ts';
import { answer, batch, type Given, ignoring, topic } from './testing/answers.ts';

/** A broker that gives these answers, then none. */
class Broker {
  readonly asked: number[] = [];
  /** KiB of the partition that fit into each answer. */
  readonly parts: number[] = [];
  readonly #answers: (() => Promise<FetchAnswer>)[];

  constructor(answers: (() => Promise<FetchAnswer>)[]) {
    this.#answers = answers;
  }

  get requests(): Requests {
    return {
      metadata: async () =>
        ({
          topics: new Map([[topic, { id: 'id', partitions: [{ leader: 1 }], partitionsCount: 1 }]]),
        }) as never,
      call: ((_api: string, _node: number, ...args: unknown[]) => {
        const wanted = args[6] as {
          partitions: { fetchOffset: bigint; partitionMaxBytes: number }[];
        }[];
        const { fetchOffset, partitionMaxBytes = 0 } = wanted[0]?.partitions[0] ?? {};
        this.asked.push(Number(fetchOffset));
        this.parts.push(partitionMaxBytes / 1024);
        const next = this.#answers.shift();
        return next === undefined ? new Promise(() => {}) : next();
      }) as Requests['call'],
    };
  }
}

function fetching(
  broker: Broker,
  take: (records: readonly LogRecord[]) => Promise<void>,
  from = 0,
  onGap: (gap: Gap) => void = ignoring.onGap,
) {
  const start: PartitionOffset = { topic, partition: 0, offset: from };
  const positions = new Map([[placeKey(start), start]]);
  const stopping = new AbortController();
  const options = { client: broker.requests, positions, take, ...ignoring, onGap };
  const ended = fetchAll(options, stopping.signal);
  ended.catch(() => {});
  return { ended, stopping, reached: () => positions.get(placeKey(start))?.offset };
}

function answers(...all: (readonly Given[])[]) {
  return all.map((given) => async () => answer(given.map(batch)));
}

it('begins within a batch, goes on behind it, and leaves marks of transactions out', async () => {
  const broker = new Broker(
    answers([
      { offset: 0, values: ['0', '1', '2'] },
      { offset: 3, values: ['mark'], attributes: 0b10_0000 },
      { offset: 4, values: ['4', null], lastDelta: 5 },
    ]),
  );
  const taken: LogRecord[] = [];
  const { ended, stopping, reached } = fetching(
    broker,
    async (records) => void taken.push(...records),
    1,
  );
  await vi.waitFor(() => expect(taken).toHaveLength(4));
  expect(taken.map(({ offset }) => offset)).toEqual([1, 2, 4, 5]);
  expect(taken.map(({ value }) => value?.toString())).toEqual(['1', '2', '4', undefined]);
  expect(broker.asked).toEqual([1, 10]);
  expect(reached()).toBe(10);
  stopping.abort();
  await ended;
});

it('what can never be told apart is passed by with its reason, and not fetched for ever', async () => {
  const old = Buffer.alloc(40);
  old.writeBigInt64BE(3n, 0);
  old.writeInt32BE(28, 8);
  const broker = new Broker([
    async () => answer(batchesIn(old)),
    ...answers([{ offset: 4, values: ['4'] }]),
  ]);
  const taken: string[] = [];
  const gaps: Gap[] = [];
  const { stopping } = fetching(
    broker,
    async (records) => void taken.push(...records.map(({ value }) => String(value))),
    3,
    (gap) => void gaps.push(gap),
  );
  await vi.waitFor(() => expect(taken).toEqual(['4']));
  expect(broker.asked.slice(0, 2)).toEqual([3, 4]);
  expect(gaps).toMatchObject([
    { from: { offset: 3 }, to: 4, reason: expect.stringContaining('before 0.11') as string },
  ]);
  stopping.abort();
});

it('a record has its own time, the broker’s where the topic says so, and now where it has none', async () => {
  const beforeMs = Date.now();
  const broker = new Broker(
    answers([
      { offset: 0, values: ['own'], firstMs: 5, maxMs: 9 },
      { offset: 1, values: ['broker'], firstMs: 5, maxMs: 9, attributes: 0b1000 },
      { offset: 2, values: ['none'], firstMs: -1, maxMs: -1 },
    ]),
  );
  const taken: LogRecord[] = [];
  const { stopping } = fetching(broker, async (records) => void taken.push(...records));
  await vi.waitFor(() => expect(taken).toHaveLength(3));
  expect(taken.slice(0, 2).map((record) => record.timeMs)).toEqual([5, 9]);
  expect(taken[2]?.timeMs).toBeGreaterThanOrEqual(beforeMs);
  stopping.abort();
});

it('what was fetched for a share that has ended is nobody’s', async () => {
  const late = Promise.withResolvers<FetchAnswer>();
  const broker = new Broker([...answers([{ offset: 0, values: ['0'] }]), () => late.promise]);
  const slow = Promise.withResolvers<void>();
  const taken: string[] = [];
  const { ended, stopping, reached } = fetching(broker, async (records) => {
    taken.push(...records.map(({ value }) => String(value)));
    await slow.promise;
  });
  await vi.waitFor(() => expect(taken).toEqual(['0']));
  // The next answer is here while the first is still worked on; then the share ends.
  late.resolve(answer([batch({ offset: 1, values: ['1'] })]));
  stopping.abort();
  slow.resolve();
  await ended;
  expect(taken).toEqual(['0']);
  expect(reached()).toBe(1);
});

it('offsets without records are told as reached, too', async () => {
  const broker = new Broker(
    answers(
      [{ offset: 0, values: ['0'] }],
      [{ offset: 1, values: ['mark'], attributes: 0b10_0000 }],
    ),
  );
  const told: string[] = [];
  const start: PartitionOffset = { topic, partition: 0, offset: 0 };
  const stopping = new AbortController();
  const options = {
    ...ignoring,
    client: broker.requests,
    positions: new Map([[placeKey(start), start]]),
    take: async (records: readonly LogRecord[]) => void told.push(`${records.length} taken`),
    reached: ({ offset }: PartitionOffset) => void told.push(`reached ${offset}`),
  };
  const ended = fetchAll(options, stopping.signal);
  await vi.waitFor(() => expect(told).toEqual(['1 taken', 'reached 1', 'reached 2']));
  stopping.abort();
  await ended;
});

it('records that came while all before them had been read did not wait; of others nobody knows', async () => {
  const waited: number[] = [];
  const broker = new Broker([
    async () => answer([batch({ offset: 0, values: ['0'] })], 2),
    async () => answer([batch({ offset: 1, values: ['1'] })], 2),
    async () => answer([batch({ offset: 2, values: ['2'] })], 4),
    async () => answer([batch({ offset: 3, values: ['3'] })], 4),
    async () => answer([batch({ offset: 4, values: ['4'] })], 5),
  ]);
  const start: PartitionOffset = { topic, partition: 0, offset: 0 };
  const stopping = new AbortController();
  const options = {
    ...ignoring,
    client: broker.requests,
    positions: new Map([[placeKey(start), start]]),
    take: async (_: readonly LogRecord[], waitedMsMax: number) => void waited.push(waitedMsMax),
  };
  const ended = fetchAll(options, stopping.signal);
  await vi.waitFor(() => expect(waited).toHaveLength(5));
  expect(waited.map((ms) => Number.isFinite(ms))).toEqual([false, false, true, true, true]);
  stopping.abort();
  await ended;
});

it('much comes in pieces, and what was not handed over is not passed by', async () => {
  const values = Array.from({ length: 1_250 }, (_, n) => `${n}`);
  const broker = new Broker(answers([{ offset: 0, values }]));
  const pieces: number[] = [];
  const { ended, stopping, reached } = fetching(broker, async (records) => {
    pieces.push(records.length);
    if (pieces.length === 2) stopping.abort();
  });
  await ended;
  expect(pieces).toEqual([500, 500]);
  expect(reached()).toBe(1_000);
  expect(stopping.signal.aborted).toBe(true);
});

it('one answer waits at most, however slow the taker is', async () => {
  const broker = new Broker(
    answers(
      [{ offset: 0, values: ['0'] }],
      [{ offset: 1, values: ['1'] }],
      [{ offset: 2, values: ['2'] }],
    ),
  );
  const slow = Promise.withResolvers<void>();
  const { stopping } = fetching(broker, () => slow.promise);
  await vi.waitFor(() => expect(broker.asked).toHaveLength(2));
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(broker.asked).toEqual([0, 1]);
  stopping.abort();
  slow.resolve();
});

/** A broker that leads three partitions of the topic. @returns the partitions of so many requests, in the order of asking */
async function ordersOf(
  requests: number,
  answerOf: (request: number) => FetchAnswer,
): Promise<number[][]> {
  const orders: number[][] = [];
  const stopping = new AbortController();
  const leaders = [{ leader: 1 }, { leader: 1 }, { leader: 1 }];
  const client: Requests = {
    metadata: async () =>
      ({ topics: new Map([[topic, { id: 'id', partitions: leaders }]]) }) as never,
    call: (async (_api: string, _node: number, ...args: unknown[]) => {
      const wanted = args[6] as { partitions: { partition: number }[] }[];
      orders.push(wanted[0]?.partitions.map(({ partition }) => partition) ?? []);
      if (orders.length === requests) stopping.abort();
      return answerOf(orders.length - 1);
    }) as Requests['call'],
  };
  const places = [0, 1, 2].map((partition) => ({ topic, partition, offset: 0 }));
  const positions = new Map(places.map((place) => [placeKey(place), place]));
  await fetchAll({ client, positions, take: async () => {}, ...ignoring }, stopping.signal);
  return orders;
}

it('each partition is asked for first in its turn: none waits for ever, whatever its times', async () => {
  // Partition 0 always has more, of a time long ago.
  const much = (offset: number) => answer([batch({ offset, values: ['x'], maxMs: 1 })], 1_000);
  const orders = await ordersOf(12, much);
  const firsts = orders.filter((_, i) => i % 2 === 0).map(([first]) => first);
  expect(new Set(firsts.slice(0, 3))).toEqual(new Set([0, 1, 2]));
  expect(firsts.slice(3)).toEqual(firsts.slice(0, 3));
});

it('every other time those that lag behind in time come first', async () => {
  const newestMs = [9_000, 5_000, 7_000];
  const orders = await ordersOf(8, (request) => {
    const partition = request % 3;
    const given = { offset: Math.floor(request / 3), values: ['x'] };
    return answer([batch({ ...given, maxMs: newestMs[partition] ?? 0 })], 1_000, partition);
  });
  // All three have given something before the fifth one is asked.
  expect([orders[5], orders[7]]).toEqual([
    [1, 2, 0],
    [1, 2, 0],
  ]);
});

it('what the taker throws ends it', async () => {
  const broker = new Broker(answers([{ offset: 0, values: ['0'] }]));
  const { ended } = fetching(broker, () => Promise.reject(new Error('cannot')));
  await expect(ended).rejects.toThrow('cannot');
});

it('a partition whose batches are larger than a part of an answer gets as many parts as they take', async () => {
  const broker = new Broker(
    answers(
      [{ offset: 0, values: ['x'.repeat(300 * 1024)] }],
      [{ offset: 1, values: ['x'.repeat(3 * 1024 * 1024)] }],
      [{ offset: 2, values: ['x'] }],
    ),
  );
  const { ended, stopping } = fetching(broker, async () => {});
  await vi.waitFor(() => expect(broker.parts).toEqual([128, 384, 1_024, 128]));
  stopping.abort();
  await ended;
});
