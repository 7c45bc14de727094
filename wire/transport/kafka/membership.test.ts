import * as library from '@platformatic/kafka';
import { expect, it } from 'vitest';
import type { KafkaClient } from './client.ts';
import { Membership } from './membership.ts';
import { placeKey } from './offsets.ts';

const topic = 'readings';
const topicId = '01234567-89ab-cdef-0123-456789abcdef';
const options = { group: 'g', member: 'one', topics: [topic] };
const unknownMember = 25;
const illegalGeneration = 22;
const rebalanceInProgress = 27;

interface PartitionCommit {
  readonly partitionIndex: number;
  readonly committedOffset: bigint;
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string;
}

interface Joining {
  readonly memberId: string;
  readonly claims: readonly number[];
}

/**
 * What a coordinator does with members that have names of their own; nobody leaves it, and who joins
 * with anything new becomes the leader at once.
 */
class Coordinator {
  readonly joins: Joining[] = [];
  /** The last ones, of the one topic. */
  commits: readonly PartitionCommit[] = [];
  /** What the next request of that name is answered, as the protocol numbers it. */
  readonly refusals = new Map<string, number>();
  /** Whatever a member asks for it gets what it had. */
  isStuck = false;
  readonly #partitions: () => number;
  /** Whether it is Kafka 3.2 or newer. */
  readonly #tellsLeader: boolean;
  readonly #members = new Map<string, { id: string; metadata: Buffer }>();
  readonly #assigned = new Map<string, Buffer>();
  #generation = 0;
  #leader = '';

  constructor(partitions: () => number, { tellsLeader = true } = {}) {
    this.#partitions = partitions;
    this.#tellsLeader = tellsLeader;
  }

  /** A member as it is when its process has begun. */
  member(name: string): Membership {
    const client = {
      library,
      metadata: async () => ({
        topics: new Map([[topic, { id: topicId, partitionsCount: this.#partitions() }]]),
      }),
      call: async (api: string, _: unknown, ...args: never[]) => this.#answer(api, args),
    };
    return new Membership(client as unknown as KafkaClient, { ...options, member: name });
  }

  slotsOf(name: string): number[] {
    const assignment = this.#assigned.get(this.#members.get(name)?.id ?? '');
    const { assignedPartitions } = library.decodeConsumerProtocolAssignment(assignment!);
    return assignedPartitions.flatMap(({ partitions }) => partitions);
  }

  #answer(api: string, args: never[]): unknown {
    const code = this.refusals.get(api);
    this.refusals.delete(api);
    if (code !== undefined) throw new library.ResponseError(11, 9, { '': [code, null] }, {});
    if (api === 'FindCoordinator') return { coordinators: [{ nodeId: 1 }] };
    if (api === 'JoinGroup') return this.#join(args[3]!, args[4]!, args[6]![0]);
    if (api === 'SyncGroup') return this.#sync(args[2]!, args[6]!);
    if (api === 'OffsetCommit') return this.#commit(args[4]!);
    if (api === 'OffsetFetch') return this.#fetch();
    throw new Error(api);
  }

  #join(memberId: string, name: string, { metadata }: { metadata: Buffer }): unknown {
    const { userData } = library.decodeConsumerProtocolSubscription(metadata);
    const { slots } = JSON.parse(userData.toString()) as { slots: number[] };
    this.joins.push({ memberId, claims: slots });
    const before = this.#members.get(name);
    const id = memberId === '' ? `${name}-${this.joins.length}` : memberId;
    this.#members.set(name, { id, metadata });
    const members = [...this.#members].map(([groupInstanceId, each]) => ({
      memberId: each.id,
      groupInstanceId,
      metadata: each.metadata,
    }));
    const isBack = before !== undefined && (memberId === '' || this.isStuck);
    if (isBack) {
      this.#assigned.set(id, this.#assigned.get(before.id)!);
      const isLeader = this.#leader === before.id;
      if (isLeader) this.#leader = id;
      const told = isLeader && this.#tellsLeader;
      const leader = told ? id : isLeader ? before.id : this.#leader;
      const answer = { memberId: id, leader, generationId: this.#generation };
      return { ...answer, skipAssignment: told, members: told ? members : [] };
    }
    this.#generation += 1;
    this.#leader = id;
    return { memberId: id, leader: id, generationId: this.#generation, members };
  }

  #commit([{ partitions }]: [{ partitions: PartitionCommit[] }]): void {
    this.commits = partitions;
  }

  #fetch(): unknown {
    const partitions = this.commits.map((each) => ({ ...each, metadata: each.committedMetadata }));
    return { groups: [{ topics: [{ name: topic, partitions }] }] };
  }

  #sync(memberId: string, assignments: readonly { memberId: string; assignment: Buffer }[]) {
    for (const each of assignments) this.#assigned.set(each.memberId, each.assignment);
    return { assignment: this.#assigned.get(memberId) };
  }
}

function slots(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

it.each([
  ['', true],
  [' of a broker that does not tell it that it is the leader', false],
])(
  'a leader that is back within its session finds partitions that there are only since then%s',
  async (_, tellsLeader) => {
    let partitions = 6;
    const coordinator = new Coordinator(() => partitions, { tellsLeader });
    await coordinator.member('one').join(new Set());
    partitions = 12;
    const back = coordinator.member('one');
    const share = await back.join(new Set());
    expect([...share.slots]).toEqual(slots(0, 12));
    expect(share.generation).toBe(2);
    expect(coordinator.joins).toEqual([
      { memberId: '', claims: [] },
      { memberId: '', claims: [] },
      { memberId: 'one-2', claims: slots(0, 6) },
    ]);
  },
);

it('a leader that is back and assigns anew lets others keep what they have, and keeps its own', async () => {
  let partitions = 6;
  const coordinator = new Coordinator(() => partitions);
  const [one, two] = [coordinator.member('one'), coordinator.member('two')];
  await one.join(new Set());
  const { slots: had } = await two.join(new Set());
  const others = coordinator.slotsOf('one');
  await one.join(new Set(others));
  await two.join(had);
  partitions = 12;
  const { slots: now } = await coordinator.member('two').join(new Set());
  expect([...now]).toEqual(expect.arrayContaining([...had]));
  expect(coordinator.slotsOf('one')).toEqual(expect.arrayContaining(others));
  const all = [...now, ...coordinator.slotsOf('one')].sort((a, b) => a - b);
  expect(all).toEqual(slots(0, 12));
});

it('where the topics are as they were, one that is back joins once and nobody else hears of it', async () => {
  const coordinator = new Coordinator(() => 6);
  const had = await coordinator.member('one').join(new Set());
  const share = await coordinator.member('one').join(new Set());
  expect(share).toEqual(had);
  expect(coordinator.joins).toHaveLength(2);
});

it('a group that gives what was assigned before all the same is not asked over and over', async () => {
  let partitions = 6;
  const coordinator = new Coordinator(() => partitions);
  await coordinator.member('one').join(new Set());
  partitions = 12;
  coordinator.isStuck = true;
  const back = coordinator.member('one');
  const share = await back.join(new Set());
  expect([...share.slots]).toEqual(slots(0, 6));
  expect(coordinator.joins).toHaveLength(3);
  await back.join(share.slots);
  expect(coordinator.joins).toHaveLength(4);
});

it.each([
  ['JoinGroup', unknownMember],
  ['SyncGroup', unknownMember],
  ['SyncGroup', rebalanceInProgress],
  ['SyncGroup', illegalGeneration],
  ['OffsetCommit', illegalGeneration],
])(
  '%s that is answered %i says that the group moves, and not before that lasts',
  async (api, code) => {
    const coordinator = new Coordinator(() => 6);
    const member = coordinator.member('one');
    const had = await member.join(new Set());
    coordinator.refusals.set(api, code);
    const commit = () => member.commit([{ topic, partition: 0, offset: 1 }], had, new Map());
    const asking = api === 'OffsetCommit' ? commit() : member.join(had.slots);
    await expect(asking).rejects.toMatchObject({
      message: 'the group changes hands',
      retryable: true,
      graceMs: 45_000,
    });
  },
);

it('a member that the group does not know comes as a new one, under its name', async () => {
  const coordinator = new Coordinator(() => 6);
  const member = coordinator.member('one');
  const had = await member.join(new Set());
  coordinator.refusals.set('JoinGroup', unknownMember);
  await expect(member.join(had.slots)).rejects.toThrow('the group changes hands');
  const share = await member.join(had.slots);
  expect([...share.slots]).toEqual(slots(0, 6));
  expect(coordinator.joins.map(({ memberId }) => memberId)).toEqual(['', '']);
  expect(coordinator.slotsOf('one')).toEqual(slots(0, 6));
});

it('with an offset goes the epoch of what was read last, and comes back to whoever asks', async () => {
  const coordinator = new Coordinator(() => 2);
  const member = coordinator.member('one');
  const share = await member.join(new Set());
  const position = { topic, partition: 0, offset: 9, leaderEpoch: 3 };
  const commits = [0, 1].map((partition) => ({ topic, partition, offset: 5, note: 'n' }));
  await member.commit(commits, share, new Map([[placeKey(position), position]]));
  expect(coordinator.commits.map(({ committedLeaderEpoch }) => committedLeaderEpoch)).toEqual([
    3, -1,
  ]);
  const places = [0, 1].map((partition) => ({ topic, partition, slot: partition, topicId }));
  expect([...(await member.committed(places)).values()]).toEqual([
    { offset: 5, note: 'n', leaderEpoch: 3 },
    { offset: 5, note: 'n' },
  ]);
});
