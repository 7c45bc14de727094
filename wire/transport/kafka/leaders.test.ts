/** Partitions whose leader does not answer, is none, or moves; positions that are void. */
import { expect, it, vi } from 'vitest';
import type { Requests } from './client.ts';
import { kafkaError } from './errors.ts';
import type { FetchAnswer } from './fetch-answer.ts';
import { fetchAll, type FetchingOptions } from './fetching.ts';
import { placeKey } from './offsets.ts';
import { answer, batch, diverging, ignoring, refusal, topic } from './testing/answers.ts';

/** Leaders of the partitions of the topic, which may change; fetches are answered by `answerOf`. */
function cluster(
  leaders: number[],
  answerOf: (node: number, partitions: readonly number[]) => Promise<FetchAnswer>,
) {
  const asked: string[] = [];
  const client: Requests = {
    metadata: async () => {
      const partitions = leaders.map((leader) => ({ leader }));
      return { topics: new Map([[topic, { id: 'id', partitions }]]) } as never;
    },
    call: ((_api: string, node: number, ...args: unknown[]) => {
      const [wanted] = args[6] as { partitions: { partition: number }[] }[];
      const partitions = (wanted?.partitions ?? []).map(({ partition }) => partition);
      asked.push(`${node}: ${partitions.toSorted((a, b) => a - b).join(' ')}`);
      return answerOf(node, partitions);
    }) as Requests['call'],
  };
  const places = leaders.map((_, partition) => ({ topic, partition, offset: 0 }));
  const positions = new Map(places.map((place) => [placeKey(place), place]));
  return { asked, options: { ...ignoring, client, positions, take: async () => {} } };
}

const waiting = new Promise<never>(() => {});

/** Tells and waits until it is let go on. */
function troubles() {
  const told: string[] = [];
  let goOn = (): void => {};
  const onTrouble = async (error: unknown): Promise<void> => {
    told.push(error instanceof Error ? error.message : String(error));
    await new Promise<void>((resolve) => (goOn = resolve));
  };
  return { told, onTrouble, goOn: () => goOn() };
}

it('a broker fails while what another one gave is worked on: the other one goes on', async () => {
  const { asked, options } = cluster([1, 2], (node) =>
    node === 2
      ? Promise.reject(new Error('gone'))
      : Promise.resolve(answer([batch({ offset: asked.length, values: ['x'] })])),
  );
  const trouble = troubles();
  const stopping = new AbortController();
  let taken = 0;
  const take = async (): Promise<void> => {
    taken += 1;
    if (taken === 5) stopping.abort();
  };
  await fetchAll({ ...options, take, onTrouble: trouble.onTrouble }, abortedToo(stopping, trouble));
  expect(taken).toBe(5);
  expect(trouble.told).toEqual(['gone']);
  expect(asked.filter((each) => each.startsWith('2'))).toEqual(['2: 1']);
});

/** Lets go on what waits when it is over. */
function abortedToo(stopping: AbortController, { goOn }: { goOn: () => void }): AbortSignal {
  stopping.signal.addEventListener('abort', goOn);
  return stopping.signal;
}

it('a partition without leader keeps no other waiting, and is read as soon as it has one', async () => {
  const leaders = [1, -1, 1];
  const { asked, options } = cluster(leaders, () => waiting);
  const trouble = troubles();
  const stopping = new AbortController();
  const ended = fetchAll(
    { ...options, onTrouble: trouble.onTrouble },
    abortedToo(stopping, trouble),
  );
  await vi.waitFor(() => expect(trouble.told).toEqual(['no leader of t/1']));
  expect(asked).toEqual(['1: 0 2']);
  trouble.goOn();
  await vi.waitFor(() => expect(trouble.told).toHaveLength(2));
  leaders[1] = 3;
  trouble.goOn();
  await vi.waitFor(() => expect(asked).toEqual(['1: 0 2', '3: 1']));
  stopping.abort();
  await ended;
});

it('of many partitions without leader five are named', async () => {
  const { options } = cluster(
    Array.from({ length: 7 }, () => -1),
    () => waiting,
  );
  const trouble = troubles();
  const stopping = new AbortController();
  const ended = fetchAll(
    { ...options, onTrouble: trouble.onTrouble },
    abortedToo(stopping, trouble),
  );
  const named = 'no leader of t/0, t/1, t/2, t/3, t/4 and 2 more';
  await vi.waitFor(() => expect(trouble.told).toEqual([named]));
  stopping.abort();
  await ended;
});

it.each([
  [['b', 'a'], 'topics a and b'],
  [['g', 'f', 'e', 'd', 'c', 'b', 'a'], 'topics a, b, c, d, e and 2 more'],
])('where the right is missing to read %j, five topics are named', async (names, named) => {
  const client: Requests = {
    metadata: async () => {
      const of = { id: 'id', partitions: [{ leader: 1 }, { leader: 1 }] };
      return { topics: new Map(names.map((name) => [name, of])) } as never;
    },
    call: () =>
      Promise.reject(Object.assign(new Error('no'), { apiId: 'TOPIC_AUTHORIZATION_FAILED' })),
  };
  const places = names.flatMap((name) =>
    [0, 1].map((partition) => ({ topic: name, partition, offset: 0 })),
  );
  const stopping = new AbortController();
  const told: unknown[] = [];
  await fetchAll(
    {
      ...ignoring,
      topicIds: new Map(names.map((name) => [name, 'id'])),
      client,
      positions: new Map(places.map((place) => [placeKey(place), place])),
      take: async () => {},
      onTrouble: async (error) => {
        const { message, hint } = kafkaError(error, { what: 'group g cannot read' });
        told.push(message, hint);
        stopping.abort();
      },
    },
    stopping.signal,
  );
  expect(told).toEqual([
    `group g cannot read: the broker does not allow ${named}`,
    `Allow Read on ${named} to this user at the brokers (kafka-acls.sh --add).`,
  ]);
});

it('a broker that gives nothing of one partition gives the others, and all is well when all have answered', async () => {
  const events: string[] = [];
  let refuses = true;
  const { asked, options } = cluster([1, 1], async (_, partitions) => {
    if (asked.length > 4) return waiting;
    if (!refuses || !partitions.includes(1)) {
      const [first = 0] = partitions;
      return answer([], 0, refuses ? first : 1);
    }
    refuses = false;
    return refusal({ 1: 'NOT_LEADER_OR_FOLLOWER' });
  });
  const stopping = new AbortController();
  const ended = fetchAll(
    {
      ...options,
      onTrouble: async (error) => void events.push(String(error)),
      onAnswer: () => void events.push('all well'),
    },
    stopping.signal,
  );
  await vi.waitFor(() => expect(asked).toHaveLength(5));
  expect(asked[0]).toBe('1: 0 1');
  expect(asked[1]).toBe('1: 0');
  expect(asked.at(-1)).toBe('1: 0 1');
  expect(events[0]).toContain('NOT_LEADER');
  stopping.abort();
  await ended;
});

it.each([
  ['the topic is another one by now', 'UNKNOWN_TOPIC_ID', 'another'],
  ['its log ends before', 'OFFSET_OUT_OF_RANGE', 'id'],
])('positions are void where %s, and whoever reads is told so', async (_, reason, idNow) => {
  let voids = 0;
  const stopping = new AbortController();
  const fetches = { count: 0 };
  const client: Requests = {
    metadata: async () => {
      const id = fetches.count === 0 ? 'id' : idNow;
      return { topics: new Map([[topic, { id, partitions: [{ leader: 1 }] }]]) } as never;
    },
    call: (async (api: string) => {
      if (api === 'ListOffsets') {
        const partitions = [{ partitionIndex: 0, errorCode: 0, offset: 5n }];
        return { topics: [{ name: topic, partitions }] };
      }
      fetches.count += 1;
      return fetches.count > 1 ? waiting : refusal({ 0: reason });
    }) as Requests['call'],
  };
  const place = { topic, partition: 0, offset: 9 };
  const options: FetchingOptions = {
    ...ignoring,
    client,
    positions: new Map([[placeKey(place), place]]),
    take: async () => {},
    onVoid() {
      voids += 1;
      stopping.abort();
    },
  };
  await fetchAll(options, stopping.signal);
  expect(voids).toBe(1);
});

it('a broker is told which leader wrote what was read last, and what of that is not in its log any more is void', async () => {
  const epochs: number[] = [];
  const answers = [
    answer([batch({ offset: 0, values: ['a', 'b'], leaderEpoch: 4 })], 2),
    // It knows less of that time, and lost nothing that we had.
    diverging(2),
    answer([batch({ offset: 2, values: ['c', 'd'], leaderEpoch: 5 })], 4),
    answer([], 4),
    diverging(3),
  ];
  const client: Requests = {
    metadata: async () =>
      ({ topics: new Map([[topic, { id: 'id', partitions: [{ leader: 1 }] }]]) }) as never,
    call: (async (_api: string, _node: number, ...args: unknown[]) => {
      const [wanted] = args[6] as { partitions: { lastFetchedEpoch: number }[] }[];
      epochs.push(...(wanted?.partitions ?? []).map(({ lastFetchedEpoch }) => lastFetchedEpoch));
      return answers[epochs.length - 1] ?? waiting;
    }) as Requests['call'],
  };
  const stopping = new AbortController();
  const voids: unknown[] = [];
  const place = { topic, partition: 0, offset: 0 };
  await fetchAll(
    {
      ...ignoring,
      client,
      positions: new Map([[placeKey(place), place]]),
      take: async () => {},
      onVoid(sameBefore) {
        voids.push(sameBefore?.offset);
        stopping.abort();
      },
    },
    stopping.signal,
  );
  expect(epochs.slice(0, 5)).toEqual([-1, 4, -1, 5, 5]);
  expect(voids).toEqual([3]);
});

/** What ListOffsets answers of partition 0; undefined: nothing. */
function listed(
  args: readonly unknown[],
  { earliest, latest }: Readonly<Record<'earliest' | 'latest', bigint | undefined>>,
) {
  const [, , [{ partitions }]] = args as [
    number,
    number,
    [{ partitions: { timestamp: bigint }[] }],
  ];
  const offset = partitions[0]?.timestamp === -1n ? latest : earliest;
  const found = offset === undefined ? [] : [{ partitionIndex: 0, errorCode: 0, offset }];
  return { topics: [{ name: topic, partitions: found }] };
}

it('where a broker cannot tell of a time that it does not know it is not asked again', async () => {
  const epochs: number[] = [];
  const answers = [
    answer([batch({ offset: 0, values: ['a', 'b'], leaderEpoch: 4 })], 2),
    refusal({ 0: 'OFFSET_OUT_OF_RANGE' }),
  ];
  const client: Requests = {
    metadata: async () =>
      ({ topics: new Map([[topic, { id: 'id', partitions: [{ leader: 1 }] }]]) }) as never,
    call: (async (api: string, _node: number, ...args: unknown[]) => {
      if (api === 'ListOffsets') return listed(args, { earliest: 0n, latest: 2n });
      const [wanted] = args[6] as { partitions: { lastFetchedEpoch: number }[] }[];
      epochs.push(wanted?.partitions[0]?.lastFetchedEpoch ?? NaN);
      return answers[epochs.length - 1] ?? waiting;
    }) as Requests['call'],
  };
  const stopping = new AbortController();
  const place = { topic, partition: 0, offset: 0 };
  const positions = new Map([[placeKey(place), place]]);
  const onVoid = vi.fn();
  const options = { ...ignoring, client, positions, take: async () => {}, onVoid };
  const ended = fetchAll(options, stopping.signal);
  await vi.waitFor(() => expect(epochs).toEqual([-1, 4, -1]));
  expect(onVoid).not.toHaveBeenCalled();
  stopping.abort();
  await ended;
});

it.each([
  ['its leader does not tell where it begins', undefined, 0n],
  ['what it tells does not say where to go on', 0n, undefined],
])(
  'a partition whose position is refused is not asked for again at once where %s',
  async (_, earliest, latest) => {
    const trouble = troubles();
    let fetches = 0;
    const client: Requests = {
      metadata: async () =>
        ({ topics: new Map([[topic, { id: 'id', partitions: [{ leader: 1 }] }]]) }) as never,
      call: (async (api: string, _node: number, ...args: unknown[]) => {
        if (api === 'ListOffsets') return listed(args, { earliest, latest });
        fetches += 1;
        return fetches > 9 ? waiting : refusal({ 0: 'OFFSET_OUT_OF_RANGE' });
      }) as Requests['call'],
    };
    const place = { topic, partition: 0, offset: 0 };
    const stopping = new AbortController();
    const passedBy = vi.fn();
    const ended = fetchAll(
      {
        ...ignoring,
        client,
        positions: new Map([[placeKey(place), place]]),
        take: async () => {},
        onTrouble: trouble.onTrouble,
        onVoid: passedBy,
        onGap: passedBy,
      },
      abortedToo(stopping, trouble),
    );
    for (const tries of [1, 2]) {
      await vi.waitFor(() => expect(trouble.told).toHaveLength(tries));
      expect(fetches).toBe(tries);
      trouble.goOn();
    }
    const told = 'the broker does not tell from where on it has t/0';
    expect(trouble.told).toEqual([told, told]);
    expect(passedBy).not.toHaveBeenCalled();
    stopping.abort();
    await ended;
  },
);

it('what one leader gave stays packed while what another one gave is worked on', async () => {
  let unpacked = 0;
  const { asked, options } = cluster([1, 2], async () => {
    if (asked.length > 2) return waiting;
    const given = batch({ offset: 0, values: ['x'] });
    const unpack: typeof given.unpack = (from) => {
      unpacked += 1;
      return given.unpack(from);
    };
    return answer([{ ...given, unpack }], 1, asked.length - 1);
  });
  const stopping = new AbortController();
  let goOn = (): void => {};
  const take = async (): Promise<void> => new Promise<void>((resolve) => (goOn = resolve));
  const ended = fetchAll({ ...options, take }, stopping.signal);
  await vi.waitFor(() => expect(unpacked).toBe(1));
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(unpacked).toBe(1);
  goOn();
  await vi.waitFor(() => expect(unpacked).toBe(2));
  stopping.abort();
  goOn();
  await ended;
});

it("an answer of bombs lets the program's loop turn between them", async () => {
  const bombs = Array.from({ length: 40 }, (_, offset) => ({
    ...batch({ offset, values: ['x'] }),
    unpack() {
      for (const untilMs = performance.now() + 2; performance.now() < untilMs; );
      throw new Error('bomb');
    },
  }));
  const { asked, options } = cluster([1], () =>
    asked.length === 1 ? Promise.resolve(answer(bombs)) : waiting,
  );
  const stopping = new AbortController();
  let turns = 0;
  const turned = (): void => {
    turns += 1;
    if (!stopping.signal.aborted) setImmediate(turned);
  };
  const turnsAt: number[] = [];
  const onGap = (): void => {
    if (turnsAt.push(turns) === bombs.length) stopping.abort();
  };
  turned();
  await fetchAll({ ...options, onGap }, stopping.signal);
  expect(turnsAt).toHaveLength(40);
  // Each 5 ms, of 80 at least.
  expect(new Set(turnsAt).size).toBeGreaterThan(10);
});
