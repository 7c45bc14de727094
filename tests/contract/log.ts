/** What every log must do, in memory or over brokers. One suite, all adapters. */
import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished, vi } from 'vitest';
import type {
  Log,
  LogRecord,
  NewLogRecord,
  PartitionOffset,
} from '../../wire/transport/log/port.ts';
import { follow, join, type Member, values } from './log-scene.ts';

const never = new AbortController().signal;
const timeMs = Date.UTC(2026, 0, 1);
const dayMs = 86_400_000;
const waitMsMax = 60_000;

/** What the tests do to a log beside using it. */
export interface LogFaults<L extends Log> {
  /** Writes two records that nobody can read. @returns why */
  readonly spoil: (log: L, place: Pick<LogRecord, 'topic' | 'partition'>) => Promise<string>;
}

export function describeLog<L extends Log>(create: () => Promise<L>, faults: LogFaults<L>): void {
  interface Scene {
    readonly log: L;
    readonly topics: readonly [string, string];
    readonly group: string;
    send(partition: number, ...values: readonly string[]): Promise<void>;
    join(member: string): Member;
    follow(from?: readonly PartitionOffset[]): ReturnType<typeof follow>;
  }

  /** Two topics of a test's own, each with so many partitions. */
  async function stage(partitions: number): Promise<Scene> {
    const log = await create();
    const id = randomUUID();
    const topics = [`a-${id}`, `b-${id}`] as const;
    const admin = log.admin();
    const spec = { partitions, replicas: undefined, settings: {} };
    await admin.ensure(
      topics.map((name) => ({ name, ...spec })),
      never,
    );
    await admin.close();
    const producer = log.producer();
    onTestFinished(() => producer.close());
    return {
      log,
      topics,
      group: id,
      async send(partition, ...values) {
        const [topic] = topics;
        const records = values.map((value) => ({ topic, key: 'k', value, partition, timeMs }));
        await producer.send(records, never);
      },
      join: (member) => join(log, { group: id, member, topics }),
      follow: (from = []) => follow(log, topics[0], from),
    };
  }

  it('a record arrives whole: key, value, headers and time', async () => {
    const scene = await stage(1);
    const [topic] = scene.topics;
    const producer = scene.log.producer();
    onTestFinished(() => producer.close());
    const sent: NewLogRecord[] = [
      { topic, key: 'Ärger-1', value: '{"ü":1}', headers: { one: 'ö', two: '' }, timeMs },
      { topic, key: 'k', value: Buffer.from([0, 255, 10]), timeMs: timeMs - 40 * dayMs },
      { topic, key: '', value: null, timeMs: timeMs + 80 * dayMs },
    ];
    await producer.send(sent, never);
    const one = scene.join('one');
    await vi.waitFor(() => expect(one.taken).toHaveLength(3), waitMsMax);
    expect(one.taken.map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect(one.taken.map(({ key }) => String(key))).toEqual(['Ärger-1', 'k', '']);
    expect(one.taken.map(({ value }) => value)).toEqual([
      Buffer.from('{"ü":1}'),
      Buffer.from([0, 255, 10]),
      undefined,
    ]);
    expect([...(one.taken[0]?.headers ?? [])].map(([name, text]) => [name, String(text)])).toEqual([
      ['one', 'ö'],
      ['two', ''],
    ]);
    expect(one.taken.map((record) => record.timeMs)).toEqual(sent.map((each) => each.timeMs));
  });

  it('of one key all come in the order in which they were sent', async () => {
    const scene = await stage(3);
    const [topic] = scene.topics;
    const producer = scene.log.producer();
    onTestFinished(() => producer.close());
    const numbers = Array.from({ length: 300 }, (_, n) => n);
    const sends = [0, 100, 200].map((from) =>
      producer.send(
        numbers.slice(from, from + 100).map((n) => ({ topic, key: `k${n % 5}`, value: `${n}` })),
        never,
      ),
    );
    await Promise.all(sends);
    const one = scene.join('one');
    await vi.waitFor(() => expect(one.taken).toHaveLength(300), waitMsMax);
    const byKey = Map.groupBy(one.taken, ({ key }) => String(key));
    for (const records of byKey.values()) {
      const values = records.map(({ value }) => Number(value));
      expect(values).toEqual(values.toSorted((a, b) => a - b));
      expect(new Set(records.map(({ partition }) => partition)).size).toBe(1);
    }
    expect(byKey.size).toBe(5);
  });

  it('a member has all slots of all topics, from the earliest on, and is told what is of the past', async () => {
    const scene = await stage(2);
    await scene.send(1, 'x', 'y');
    const one = scene.join('one');
    await vi.waitFor(() => expect(values(one)).toEqual(['x', 'y']), waitMsMax);
    expect(one.slots()).toEqual([0, 1]);
    expect(one.starts[0]).toHaveLength(4);
    const [topic] = scene.topics;
    const start = { slot: 1, offset: 0, endOffset: 2, isCut: true };
    const topicId = expect.any(String) as unknown;
    expect(one.starts[0]).toContainEqual({ topic, topicId, partition: 1, ...start });
  });

  it('the next one begins where the last committed', async () => {
    const scene = await stage(1);
    const [topic] = scene.topics;
    await scene.send(0, 'x', 'y');
    const one = scene.join('one');
    await vi.waitFor(() => expect(one.taken).toHaveLength(2), waitMsMax);
    await one.consumer.commit([{ topic, partition: 0, offset: 1 }], never);
    await one.stop();
    const two = scene.join('two');
    await vi.waitFor(() => expect(values(two)).toEqual(['y']), waitMsMax);
    const starts = two.starts[0]?.filter((start) => start.topic === topic);
    expect(starts).toMatchObject([{ topic, partition: 0, offset: 1, endOffset: 2 }]);
    expect(starts?.[0]).not.toHaveProperty('isCut');
  });

  it('what is committed beside an offset is there for the next one, and gone with the next commit', async () => {
    const scene = await stage(1);
    const [topic] = scene.topics;
    await scene.send(0, 'x', 'y');
    const one = scene.join('one');
    await vi.waitFor(() => expect(one.taken).toHaveLength(2), waitMsMax);
    await one.consumer.commit([{ topic, partition: 0, offset: 1, note: 'so far: ü' }], never);
    await one.stop();
    const two = scene.join('two');
    await vi.waitFor(() => expect(values(two)).toEqual(['y']), waitMsMax);
    const start = { topic, partition: 0, offset: 1, endOffset: 2, note: 'so far: ü' };
    expect(two.starts[0]).toContainEqual(expect.objectContaining(start));
    await two.consumer.commit([{ topic, partition: 0, offset: 2 }], never);
    await two.stop();
    const three = scene.join('three');
    await vi.waitFor(() => expect(three.starts).toHaveLength(1), waitMsMax);
    expect(three.starts[0]?.find((begin) => begin.topic === topic)).not.toHaveProperty('note');
  });

  it('one who joins gets a share; what the other keeps goes on and is not told as new', async () => {
    const scene = await stage(2);
    await scene.send(0, 'before-0');
    await scene.send(1, 'before-1');
    const one = scene.join('one');
    await vi.waitFor(() => expect(one.taken).toHaveLength(2), waitMsMax);
    const two = scene.join('two');
    await vi.waitFor(() => expect(two.slots()).toHaveLength(1), waitMsMax);
    await vi.waitFor(() => expect(one.slots()).toHaveLength(1), waitMsMax);
    const [kept = -1] = one.slots();
    expect(two.slots()).toEqual([1 - kept]);
    expect(one.starts.at(-1)).toEqual([]);
    await scene.send(kept, 'after');
    await vi.waitFor(() => expect(values(one)).toContain('after'), waitMsMax);
    expect(values(one).filter((value) => value === `before-${kept}`)).toHaveLength(1);
  });

  it('what one leaves the other gets, from the committed offset on', async () => {
    const scene = await stage(2);
    const one = scene.join('one');
    const two = scene.join('two');
    await vi.waitFor(() => {
      expect([one.slots().length, two.slots().length]).toEqual([1, 1]);
    }, waitMsMax);
    const [left = -1] = two.slots();
    await scene.send(left, 'x', 'y');
    await vi.waitFor(() => expect(values(two)).toEqual(['x', 'y']), waitMsMax);
    const [topic] = scene.topics;
    await two.consumer.commit([{ topic, partition: left, offset: 1 }], never);
    await two.stop();
    await vi.waitFor(() => expect(values(one)).toEqual(['y']), waitMsMax);
    expect(one.slots()).toEqual([0, 1]);
  });

  it('a commit of what is not ours is refused, and may be tried again', async () => {
    const scene = await stage(2);
    const one = scene.join('one');
    const two = scene.join('two');
    await vi.waitFor(() => {
      expect([one.slots().length, two.slots().length]).toEqual([1, 1]);
    }, waitMsMax);
    const [partition = -1] = two.slots();
    const commit = one.consumer.commit([{ topic: scene.topics[0], partition, offset: 0 }], never);
    await expect(commit).rejects.toMatchObject({ name: 'WindrowError', retryable: true });
  });

  it('of two members of one name the first ends, with a word about it', async () => {
    const scene = await stage(1);
    const [topic] = scene.topics;
    const handler = { assigned: async () => {}, take: async () => {} };
    const options = { group: scene.group, member: 'one', topics: [topic] };
    const stopping = new AbortController();
    onTestFinished(() => stopping.abort());
    let joined = false;
    const first = scene.log.consumer(options).run(
      {
        ...handler,
        assigned: async () => {
          joined = true;
        },
      },
      stopping.signal,
    );
    const ended = expect(first).rejects.toMatchObject({ code: 'config' });
    await vi.waitFor(() => expect(joined).toBe(true), waitMsMax);
    const second = scene.join('one');
    await vi.waitFor(() => expect(second.slots()).toEqual([0]), waitMsMax);
    await ended;
  });

  it('slowness of the taker holds reading up, and nothing is handed over meanwhile', async () => {
    const scene = await stage(1);
    const slow = Promise.withResolvers<void>();
    const takes: number[] = [];
    const stopping = new AbortController();
    const consumer = scene.log.consumer({
      group: scene.group,
      member: 'one',
      topics: [scene.topics[0]],
    });
    const ended = consumer.run(
      {
        assigned: async () => {},
        take: (records) => {
          takes.push(records.length);
          return slow.promise;
        },
      },
      stopping.signal,
    );
    await scene.send(0, 'x');
    await vi.waitFor(() => expect(takes).toEqual([1]), waitMsMax);
    await scene.send(0, 'y');
    // Another reader has it by now: it was there to be had.
    const { seen } = scene.follow();
    await vi.waitFor(() => expect(seen).toContain('y'), waitMsMax);
    expect(takes).toEqual([1]);
    slow.resolve();
    await vi.waitFor(() => expect(takes).toEqual([1, 1]), waitMsMax);
    stopping.abort();
    await ended;
  });

  it('what the handler throws ends the run, and its slots are free', async () => {
    const scene = await stage(1);
    const consumer = scene.log.consumer({
      group: scene.group,
      member: 'one',
      topics: scene.topics,
    });
    const failing = consumer.run(
      { assigned: () => Promise.reject(new Error('cannot')), take: async () => {} },
      never,
    );
    await expect(failing).rejects.toThrow('cannot');
    const two = scene.join('two');
    await vi.waitFor(() => expect(two.slots()).toEqual([0]), waitMsMax);
  });

  it('a reader sees all partitions from where it is told, and is told once when it has all', async () => {
    const scene = await stage(2);
    const [topic] = scene.topics;
    await scene.send(0, 'w', 'x');
    await scene.send(1, 'y');
    const { seen } = scene.follow([{ topic, partition: 0, offset: 1 }]);
    await vi.waitFor(() => expect(seen).toContain('(caught up)'), waitMsMax);
    expect(new Set(seen)).toEqual(new Set(['x', 'y', '(caught up)']));
    await scene.send(1, 'z');
    await vi.waitFor(() => expect(seen.at(-1)).toBe('z'), waitMsMax);
    expect(seen.filter((value) => value === '(caught up)')).toHaveLength(1);
  });

  it('from its end on a reader sees what is new, and all of it', async () => {
    const scene = await stage(2);
    const [topic] = scene.topics;
    await scene.send(0, 'old', 'old');
    const end = await scene.log.reader(topic).end(never);
    expect(end.map(({ partition, offset }) => [partition, offset])).toEqual([
      [0, 2],
      [1, 0],
    ]);
    await scene.send(0, 'x');
    await scene.send(1, 'y');
    const { seen } = scene.follow(end);
    await vi.waitFor(() => expect(seen).toContain('(caught up)'), waitMsMax);
    expect(new Set(seen)).toEqual(new Set(['x', 'y', '(caught up)']));
  });

  it('the end of a topic that is not there is an error that may pass', async () => {
    const log = await create();
    const ending = log.reader(`none-${randomUUID()}`).end(never);
    await expect(ending).rejects.toMatchObject({ retryable: true });
  });

  it('a reader of an empty topic has all at once', async () => {
    const scene = await stage(1);
    const { seen } = scene.follow();
    await vi.waitFor(() => expect(seen).toEqual(['(caught up)']), waitMsMax);
  });

  it('what cannot be read is told in its place, and what is behind it is read', async () => {
    const scene = await stage(1);
    const [topic] = scene.topics;
    const place = { topic, partition: 0 };
    await scene.send(0, 'x');
    const reason = await faults.spoil(scene.log, place);
    await scene.send(0, 'y');
    const wanted = ['0', `1 ${reason}`, `2 ${reason}`, '3'];
    const one = scene.join('one');
    await vi.waitFor(() => expect(one.events).toEqual(wanted), waitMsMax);
    const { events } = scene.follow();
    await vi.waitFor(() => expect(events).toEqual(wanted), waitMsMax);
    // Whoever goes on behind them hears nothing of them.
    await one.consumer.commit([{ ...place, offset: 3 }], never);
    await one.stop();
    const two = scene.join('two');
    await vi.waitFor(() => expect(two.events).toEqual(['3']), waitMsMax);
  });

  it('topics that are there are left as they are', async () => {
    const scene = await stage(2);
    const admin = scene.log.admin();
    const name = scene.topics[0];
    const more = { name, partitions: 5, replicas: undefined, settings: {} };
    await Promise.all([admin.ensure([more], never), admin.ensure([more], never)]);
    const none = `none-${randomUUID()}`;
    expect(await admin.partitions([name, none], never)).toEqual(new Map([[name, 2]]));
    await admin.close();
    await admin.close();
  });

  it('a topic that two make at once is there, and neither is told of the other', async () => {
    const log = await create();
    const name = `both-${randomUUID()}`;
    const spec = { name, partitions: 1, replicas: undefined, settings: {} };
    const admins = [log.admin(), log.admin()];
    await Promise.all(admins.map((admin) => admin.ensure([spec], never)));
    await Promise.all(admins.map((admin) => admin.close()));
  });

  it('a record that is too large is refused for good; the producer is good for the next one', async () => {
    const scene = await stage(1);
    const producer = scene.log.producer();
    onTestFinished(() => producer.close());
    const large = { topic: scene.topics[0], key: 'k', value: Buffer.alloc(3_000_000) };
    await expect(producer.send([large], never)).rejects.toMatchObject({
      name: 'WindrowError',
      code: 'refused',
      retryable: false,
    });
    await producer.send([{ ...large, value: 'small' }], never);
    const { seen } = scene.follow();
    await vi.waitFor(() => expect(seen).toContain('small'), waitMsMax);
  });

  it('a topic that is not there may be there later', async () => {
    const scene = await stage(1);
    const producer = scene.log.producer();
    onTestFinished(() => producer.close());
    const name = `later-${randomUUID()}`;
    const sending = (): Promise<void> =>
      producer.send([{ topic: name, key: 'k', value: 'v' }], never);
    await expect(sending()).rejects.toMatchObject({ name: 'WindrowError', retryable: true });
    const admin = scene.log.admin();
    await admin.ensure([{ name, partitions: 1, replicas: undefined, settings: {} }], never);
    await admin.close();
    await sending();
  });

  it('aborted sends say so, closed producers too; closing twice is closing once', async () => {
    const scene = await stage(1);
    const producer = scene.log.producer();
    const record = { topic: scene.topics[0], key: 'k', value: 'v' };
    await expect(producer.send([record], AbortSignal.abort())).rejects.toMatchObject({
      code: 'aborted',
    });
    await producer.send([], never);
    await producer.close();
    await producer.close();
    await expect(producer.send([record], never)).rejects.toMatchObject({ name: 'WindrowError' });
  });
}
