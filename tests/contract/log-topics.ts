/** What every log must do when topics come, go and grow, and how their partitions are shared. */
import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { GroupOptions, Log, ReadPlace } from '../../wire/transport/log/port.ts';
import { follow, join, type Member, values } from './log-scene.ts';

const never = new AbortController().signal;
const waitMsMax = 90_000;
const testMsMax = 300_000;

/** What the tests do to a log beside using it. */
export interface TopicFaults<L extends Log> {
  /** The topic is deleted; resolves when it is gone. */
  readonly remove: (log: L, topic: string) => Promise<void>;
  /** The topic has so many partitions from now on. */
  readonly grow: (log: L, topic: string, partitions: number) => Promise<void>;
}

export function describeLogTopics<L extends Log>(
  create: () => Promise<L>,
  faults: TopicFaults<L>,
): void {
  interface Scene {
    readonly log: L;
    readonly group: string;
    /** As they are named here. */
    topic(name: string): string;
    make(partitions: Readonly<Record<string, number>>): Promise<void>;
    send(name: string, partition: number, ...values: readonly string[]): Promise<void>;
    join(member: string, options?: Partial<GroupOptions>): Member;
    follow(name: string, from?: readonly ReadPlace[]): ReturnType<typeof follow>;
  }

  async function stage(partitions: Readonly<Record<string, number>>): Promise<Scene> {
    const log = await create();
    const id = randomUUID();
    const topic = (name: string): string => `${name}-${id}`;
    const admin = log.admin();
    onTestFinished(() => admin.close());
    const make: Scene['make'] = (counts) => {
      const specs = Object.entries(counts).map(([name, count]) => ({
        name: topic(name),
        partitions: count,
        replicas: undefined,
        settings: {},
      }));
      return admin.ensure(specs, never);
    };
    await make(partitions);
    const topics = Object.keys(partitions).map(topic);
    return {
      log,
      group: id,
      topic,
      make,
      async send(name, partition, ...texts) {
        const producer = log.producer();
        const records = texts.map((value) => ({ topic: topic(name), key: 'k', value, partition }));
        await producer.send(records, never);
        await producer.close();
      },
      join: (member, options = {}) => join(log, { group: id, member, topics, ...options }),
      follow: (name, from = []) => follow(log, topic(name), from),
    };
  }

  /** As `topic/partition` with the names that they have here. */
  function places(member: Member, at = -1): string[] {
    const starts = member.starts.at(at) ?? [];
    return starts.map(({ topic, partition }) => `${topic.slice(0, 1)}/${partition}`).sort();
  }

  it(
    'a topic made anew is read from its first record, whatever was committed of the old one',
    async () => {
      const scene = await stage({ a: 1, b: 1 });
      const place = { topic: scene.topic('a'), partition: 0 };
      await scene.send('a', 0, 'x', 'y', 'z');
      await scene.send('b', 0, 'b');
      const one = scene.join('one');
      await vi.waitFor(() => expect(values(one).sort()).toEqual(['b', 'x', 'y', 'z']), waitMsMax);
      await one.consumer.commit([{ ...place, offset: 2, note: 'n' }], never);
      const before = one.starts[0]?.find(({ topic }) => topic === place.topic)?.topicId;
      await faults.remove(scene.log, place.topic);
      await scene.make({ a: 1 });
      await scene.send('a', 0, 'anew');
      await vi.waitFor(() => expect(values(one)).toContain('anew'), waitMsMax);
      const start = one.starts.flat().findLast(({ topic }) => topic === place.topic);
      expect(start).toMatchObject({ offset: 0, isCut: true });
      expect(start).not.toHaveProperty('note');
      expect(start?.topicId).not.toBe(before);
      await one.stop();
      const two = scene.join('two');
      await vi.waitFor(() => expect(values(two)).toContain('anew'), waitMsMax);
    },
    testMsMax,
  );

  it('one that shares other topics is refused, and takes nothing from those that are in the group', async () => {
    const scene = await stage({ a: 2, b: 2 });
    const one = scene.join('one', { topics: [scene.topic('a')] });
    await vi.waitFor(() => expect(one.slots()).toEqual([0, 1]), waitMsMax);
    const topics = [scene.topic('b')];
    const other = scene.log.consumer({ group: scene.group, member: 'other', topics });
    const joining = other.run({ assigned: async () => {}, take: async () => {} }, never);
    await expect(joining).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('other programs use this group') as string,
    });
    expect(one.slots()).toEqual([0, 1]);
    expect(one.starts).toHaveLength(1);
  });

  it('a share is owned from when it is given until its member leaves', async () => {
    const scene = await stage({ a: 1 });
    const topics = [scene.topic('a')];
    const consumer = scene.log.consumer({ group: scene.group, member: 'other', topics });
    expect(consumer.ownsShare).toBe(false);
    const one = scene.join('one');
    await vi.waitFor(() => expect(one.slots()).toEqual([0]), waitMsMax);
    await vi.waitFor(() => expect(one.consumer.ownsShare).toBe(true), waitMsMax);
    await one.stop();
    expect(one.consumer.ownsShare).toBe(false);
  });

  it('who is a member of a group is known by name, until it leaves', async () => {
    const scene = await stage({ a: 1 });
    const admin = scene.log.admin();
    onTestFinished(() => admin.close());
    const has = (member: string) => admin.hasMember({ group: scene.group, member }, never);
    expect(await has('one')).toBe(false);
    const one = scene.join('one');
    await vi.waitFor(() => expect(one.slots()).toEqual([0]), waitMsMax);
    expect([await has('one'), await has('two')]).toEqual([true, false]);
    await one.stop();
    expect(await has('one')).toBe(false);
  });

  it(
    'the others are read on while a topic is gone, which is told, and it is read again when it is there',
    async () => {
      const scene = await stage({ a: 1, b: 1 });
      const one = scene.join('one');
      await vi.waitFor(() => expect(one.slots()).toEqual([0]), waitMsMax);
      await faults.remove(scene.log, scene.topic('a'));
      await scene.send('b', 0, 'still here');
      await vi.waitFor(() => expect(values(one)).toContain('still here'), waitMsMax);
      await vi.waitFor(() => expect(one.missing()).toEqual([scene.topic('a')]), waitMsMax);
      await scene.make({ a: 1 });
      await scene.send('a', 0, 'back');
      await vi.waitFor(() => expect(values(one)).toContain('back'), waitMsMax);
      expect(one.missing()).toEqual([]);
    },
    testMsMax,
  );

  it('an offset committed beyond the end of the log counts as none', async () => {
    const scene = await stage({ a: 1 });
    await scene.send('a', 0, 'x', 'y');
    const one = scene.join('one');
    await vi.waitFor(() => expect(values(one)).toEqual(['x', 'y']), waitMsMax);
    const beyond = { topic: scene.topic('a'), partition: 0, offset: 99 };
    await one.consumer.commit([beyond], never);
    await one.stop();
    const two = scene.join('two');
    await vi.waitFor(() => expect(values(two)).toEqual(['x', 'y']), waitMsMax);
    expect(two.starts[0]).toMatchObject([{ offset: 0, endOffset: 2 }]);
  });

  it(
    'a reader is told which topic it reads, begins anew with another one, and heeds no places of others',
    async () => {
      const scene = await stage({ a: 1 });
      const place = { topic: scene.topic('a'), partition: 0 };
      await scene.send('a', 0, 'x', 'y');
      const first = scene.follow('a', [{ ...place, offset: 1 }]);
      await vi.waitFor(() => expect(first.seen).toEqual(['y', '(caught up)']), waitMsMax);
      const [opened] = first.opened;
      expect(opened?.from).toEqual([{ ...place, offset: 1 }]);
      const { topicId = '' } = opened ?? {};
      const same = scene.follow('a', [{ ...place, offset: 2, topicId }]);
      await vi.waitFor(() => expect(same.seen).toEqual(['(caught up)']), waitMsMax);
      const beyond = scene.follow('a', [{ ...place, offset: 3, topicId }]);
      await vi.waitFor(() => expect(beyond.seen).toEqual(['x', 'y', '(caught up)']), waitMsMax);
      await faults.remove(scene.log, place.topic);
      await scene.make({ a: 1 });
      await scene.send('a', 0, 'anew');
      const old = scene.follow('a', [{ ...place, offset: 1, topicId }]);
      await vi.waitFor(() => expect(old.seen).toContain('anew'), waitMsMax);
      expect(old.opened).toHaveLength(1);
      expect(old.opened[0]?.from).toEqual([]);
      await vi.waitFor(() => expect(first.seen).toContain('anew'), waitMsMax);
      expect(first.opened).toHaveLength(2);
      expect(first.opened[1]).toEqual({ topicId: old.opened[0]?.topicId, from: [] });
    },
    testMsMax,
  );

  it('all partitions of a whole topic are with slot 0, and can be committed there', async () => {
    const scene = await stage({ a: 2, w: 3 });
    const options = { whole: [scene.topic('w')] };
    const members = [scene.join('one', options), scene.join('two', options)];
    await vi.waitFor(() => {
      expect(members.map((member) => member.slots().length)).toEqual([1, 1]);
    }, waitMsMax);
    const [owner, other] = members.toSorted((a, b) => (a.slots()[0] ?? 0) - (b.slots()[0] ?? 0));
    for (const partition of [0, 1, 2]) await scene.send('w', partition, `w${partition}`);
    await vi.waitFor(
      () => expect(values(owner as Member).sort()).toEqual(['w0', 'w1', 'w2']),
      waitMsMax,
    );
    expect(values(other as Member)).toEqual([]);
    const place = { topic: scene.topic('w'), partition: 2, offset: 1 };
    await owner?.consumer.commit([place], never);
    await expect(other?.consumer.commit([place], never)).rejects.toMatchObject({ retryable: true });
    await owner?.stop();
    await vi.waitFor(() => expect((other as Member).slots()).toEqual([0, 1]), waitMsMax);
    expect(places(other as Member)).toEqual(['a/0', 'w/0', 'w/1', 'w/2']);
    await vi.waitFor(() => expect(values(other as Member).sort()).toEqual(['w0', 'w1']), waitMsMax);
  });

  it(
    'topics that belong together wait while their partitions are unequal, the others are read, and nobody joins again and again',
    async () => {
      const scene = await stage({ a: 2, b: 1, c: 2 });
      const options = { together: [scene.topic('a'), scene.topic('b')] };
      const one = scene.join('one', options);
      await vi.waitFor(() => expect(one.slots()).toEqual([0, 1]), waitMsMax);
      const partitions = new Map([
        [scene.topic('a'), 2],
        [scene.topic('b'), 1],
      ]);
      expect(one.uneven()).toEqual([{ partitions, isRead: true }]);
      const two = scene.join('two', options);
      await vi.waitFor(() => expect(two.slots()).toHaveLength(1), waitMsMax);
      await vi.waitFor(() => expect(one.uneven()[0]?.isRead).toBe(false), waitMsMax);
      expect(two.uneven()).toEqual([{ partitions, isRead: false }]);
      const shares = one.starts.length;
      for (const partition of [0, 1]) {
        await scene.send('a', partition, `a${partition}`);
        await scene.send('c', partition, `c${partition}`);
      }
      const all = (): string[] => [...values(one), ...values(two)].sort();
      await vi.waitFor(() => expect(all()).toEqual(['c0', 'c1']), waitMsMax);
      expect(one.starts).toHaveLength(shares);
      await faults.grow(scene.log, scene.topic('b'), 2);
      await vi.waitFor(
        () => expect(all()).toEqual(expect.arrayContaining(['a0', 'a1'])),
        waitMsMax,
      );
      await vi.waitFor(() => expect([one.uneven(), two.uneven()]).toEqual([[], []]));
    },
    testMsMax,
  );

  it('a reader hears again and again where partitions end, and how far it has them', async () => {
    const scene = await stage({ a: 2 });
    await scene.send('a', 0, 'w', 'x');
    const followed = scene.follow('a', [{ topic: scene.topic('a'), partition: 0, offset: 1 }]);
    const ends = new Map([
      [0, 2],
      [1, 0],
    ]);
    await vi.waitFor(() => expect(followed.ends).toEqual(ends), waitMsMax);
    await vi.waitFor(() => expect(followed.reached).toEqual(ends), waitMsMax);
    await scene.send('a', 1, 'y');
    const next = new Map([...ends, [1, 1]]);
    await vi.waitFor(() => expect(followed.ends).toEqual(next), waitMsMax);
    await vi.waitFor(() => expect(followed.reached).toEqual(next), waitMsMax);
    const before = followed.toldEnds();
    await vi.waitFor(() => expect(followed.toldEnds()).toBeGreaterThan(before + 1), waitMsMax);
  });
}
