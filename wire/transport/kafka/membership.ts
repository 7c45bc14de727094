/**
 * One member of a group, by the classic protocol. The member that the coordinator made the leader
 * assigns the slots. It has a name of its own (`group.instance.id`): when it comes back before its
 * session has ended, it gets the slots that it had and nobody else moves, unless there are other
 * slots by then.
 */
import type { joinGroupV9, offsetFetchV9, syncGroupV5 } from '@platformatic/kafka';
import { systemClock } from '../../../runtime/clock.ts';
import { WindrowError } from '../../../runtime/errors.ts';
import { assignSlots } from '../log/assign.ts';
import { graceMs } from '../log/committing.ts';
import type { Commit, GroupOptions } from '../log/port.ts';
import { MemberReplaced } from '../log/replaced.ts';
import { readingOf, slotCountOf, slotOf, type SlotPlace, type Topics } from '../log/slots.ts';
import type { KafkaClient } from './client.ts';
import { hasReason } from './errors.ts';
import { committedMetadata, noteIn } from './committed.ts';
import { findCoordinator } from './coordinator.ts';
import { byTopic, placeKey, type Position } from './offsets.ts';
import { Session, sessionMs } from './session.ts';

/** How long the others wait for one that still works on what it has. */
export const rebalanceMs = 30_000;
const protocolType = 'consumer';

/** What a coordinator says to a member whose share is void: it joins again, and gets another one. */
const moves = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'] as const;

/** What a member tells the leader. */
interface Claim {
  readonly slots: readonly number[];
}

/** What the leader tells each member, beside its slots. */
interface Assigned {
  /** Of all of them, as the leader knew the topics. */
  readonly slotCount: number;
}

export interface Share {
  readonly generation: number;
  readonly slots: ReadonlySet<number>;
  /** Those that were there when the share was made. */
  readonly topics: Topics;
}

export type Committed = Pick<Commit, 'offset' | 'note'> & Pick<Position, 'leaderEpoch'>;

/** As the protocol has an epoch that is not known. */
const unknownEpoch = -1;

interface Given {
  readonly share: Share;
  /** As `Assigned` has it; undefined where that was not told. */
  readonly slotCount: number | undefined;
}

/** The share is another's by now, or none is ours yet: it passes, so it is told only when it lasts. */
export function groupMoves(cause?: unknown): WindrowError {
  return new WindrowError('unreachable', 'the group changes hands', {
    cause,
    retryable: true,
    graceMs,
    hint: 'If that goes on, members come and go: look at them with kafka-consumer-groups.sh --describe --members, and into their logs.',
  });
}

export class Membership {
  readonly #client: KafkaClient;
  readonly #options: GroupOptions;
  /** Has what the members share in it: who shares something else would take partitions away, and not read them. Brokers refuse it. */
  readonly #protocol: string;
  readonly #session = new Session(systemClock);
  #memberId = '';
  #generation = -1;
  #coordinator: number | undefined;

  constructor(client: KafkaClient, options: GroupOptions) {
    this.#client = client;
    this.#options = options;
    this.#protocol = `windrow-slots-${options.topics[0]}`;
  }

  /** Whether nobody else can have its share, for the group has heard of it lately. */
  get isHeard(): boolean {
    return this.#session.isOpen;
  }

  /**
   * Waits for the others. `claims`: what it had. @throws errors of the library, WindrowError; who is
   * told by them that the group does not know it is a new member when it calls again
   */
  async join(claims: ReadonlySet<number>): Promise<Share> {
    const topics = await this.topics();
    const isNew = this.#memberId === '';
    try {
      const { share, slotCount } = await this.#share(claims, topics);
      if (!isNew || slotCount === slotCountOf(topics, this.#options)) return share;
      // It came back within its session, and got what was assigned before: slots that there are only
      // since then are nobody's. A leader that joins again under the id that it has by now makes all
      // join, and assigns anew. Brokers before Kafka 3.2 do not tell a leader that comes back that it
      // is one, so whoever sees it does that.
      return (await this.#share(share.slots, topics)).share;
    } catch (error) {
      if (hasReason(error, 'UNKNOWN_MEMBER_ID')) this.#memberId = '';
      throw error;
    }
  }

  /** @returns whether the share is still ours; `rebalance` and `lost` ask for a new one */
  async heartbeat(): Promise<'ours' | 'rebalance' | 'lost'> {
    const { group, member } = this.#options;
    try {
      await this.#session.hearing(() =>
        this.#call('Heartbeat', group, this.#generation, this.#memberId, member),
      );
      return 'ours';
    } catch (error) {
      if (hasReason(error, 'REBALANCE_IN_PROGRESS')) return 'rebalance';
      if (!hasReason(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION')) throw error;
      this.#memberId = '';
      return 'lost';
    }
  }

  async leave(): Promise<void> {
    if (this.#memberId === '') return;
    const { group, member } = this.#options;
    const leaving = { memberId: this.#memberId, groupInstanceId: member, reason: 'it stops' };
    this.#memberId = '';
    await this.#call('LeaveGroup', group, [leaving]);
  }

  /**
   * @param share that they were taken in: by now it may be another one
   * @param positions by `placeKey`: how far was read. The epoch there is committed, for it tells whether
   *   the log still has what was read, and so what lies before the offset
   */
  async commit(
    offsets: readonly Commit[],
    { generation, topics: known }: Share,
    positions: ReadonlyMap<string, Position>,
  ): Promise<void> {
    const { group, member } = this.#options;
    const topics = byTopic(offsets, ({ topic, partition, offset, note }) => ({
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      committedLeaderEpoch:
        positions.get(placeKey({ topic, partition }))?.leaderEpoch ?? unknownEpoch,
      committedMetadata: committedMetadata(known.get(topic)?.id, note),
    }));
    await this.#call('OffsetCommit', group, generation, this.#memberId, member, topics);
  }

  /** By `placeKey`; what was never committed of these very topics is left out. */
  async committed(places: readonly SlotPlace[]): Promise<ReadonlyMap<string, Committed>> {
    const { group: groupId } = this.#options;
    const topics = byTopic(places, ({ partition }) => partition).map(({ name, partitions }) => ({
      name,
      partitionIndexes: partitions,
    }));
    const memberEpoch = -1;
    const asked = [{ groupId, memberId: null, memberEpoch, topics }];
    const { groups } = await this.#call<offsetFetchV9.OffsetFetchResponse>(
      'OffsetFetch',
      asked,
      false,
    );
    const ids = new Map(places.map(({ topic, topicId }) => [topic, topicId]));
    const found = new Map<string, Committed>();
    for (const { name: topic, partitions } of groups.flatMap((group) => group.topics)) {
      for (const each of partitions) {
        const { partitionIndex: partition, committedOffset, metadata } = each;
        const note = noteIn(metadata ?? null, ids.get(topic));
        if (note === 'of another topic' || committedOffset < 0n) continue;
        const epoch = each.committedLeaderEpoch;
        const read = epoch === unknownEpoch ? {} : { leaderEpoch: epoch };
        const offset = Number(committedOffset);
        found.set(placeKey({ topic, partition }), { offset, ...note, ...read });
      }
    }
    return found;
  }

  /** As they are now. */
  async topics(): Promise<Topics> {
    const { topics } = await this.#client.metadata(this.#options.topics);
    return new Map(
      [...topics].map(([name, { id, partitionsCount: partitions }]) => [name, { id, partitions }]),
    );
  }

  async #share(claims: ReadonlySet<number>, topics: Topics): Promise<Given> {
    const joined = await this.#join(claims);
    this.#memberId = joined.memberId;
    this.#generation = joined.generationId;
    const assignments = this.#assignments(joined, topics);
    const { slots, slotCount } = await this.#session.hearing(() => this.#sync(assignments));
    return { share: { generation: joined.generationId, slots, topics }, slotCount };
  }

  #join(claims: ReadonlySet<number>): Promise<joinGroupV9.JoinGroupResponse> {
    const { group, member, topics } = this.#options;
    const claim: Claim = { slots: [...claims] };
    const metadata = this.#client.library.encodeConsumerProtocolSubscription({
      version: 0,
      topics: [...topics],
      userData: JSON.stringify(claim),
    });
    const offered = [{ name: this.#protocol, metadata }];
    const id = this.#memberId;
    const reason = '';
    return this.#call(
      'JoinGroup',
      group,
      sessionMs,
      rebalanceMs,
      id,
      member,
      protocolType,
      offered,
      reason,
    );
  }

  async #sync(
    assignments: readonly object[],
  ): Promise<Pick<Share, 'slots'> & Pick<Given, 'slotCount'>> {
    const { group, member } = this.#options;
    const { assignment } = await this.#call<syncGroupV5.SyncGroupResponse>(
      'SyncGroup',
      group,
      this.#generation,
      this.#memberId,
      member,
      protocolType,
      this.#protocol,
      assignments,
    );
    const { assignedPartitions, userData } =
      this.#client.library.decodeConsumerProtocolAssignment(assignment);
    const { slotCount } = saidIn<Assigned>(userData);
    const slots = assignedPartitions.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => slotOf({ topic, partition }, this.#options)),
    );
    return { slots: new Set(slots), slotCount };
  }

  /** What each member gets; nothing unless this one is the leader and has to say it. */
  #assignments(joined: joinGroupV9.JoinGroupResponse, topics: Topics): object[] {
    if (joined.leader !== joined.memberId || joined.skipAssignment) return [];
    const members = joined.members.map(({ memberId, groupInstanceId, metadata }) => ({
      memberId,
      name: groupInstanceId ?? memberId,
      slots: this.#claimed(metadata),
    }));
    const rules = { ...this.#options, together: [] };
    const slotCount = slotCountOf(topics, this.#options);
    const assigned = assignSlots(slotCount, members);
    const userData = JSON.stringify({ slotCount } satisfies Assigned);
    return members.map(({ memberId, name }) => {
      const { places } = readingOf(new Set(assigned.get(name)), topics, rules);
      const assignedPartitions = byTopic(places, ({ partition }) => partition).map(
        ({ name: topic, partitions }) => ({ topic, partitions }),
      );
      const { encodeConsumerProtocolAssignment } = this.#client.library;
      return {
        memberId,
        assignment: encodeConsumerProtocolAssignment({
          version: 0,
          assignedPartitions,
          userData,
        }),
      };
    });
  }

  /** What another member says of itself; nothing where that cannot be read. */
  #claimed(metadata: Buffer): readonly number[] {
    try {
      const { userData } = this.#client.library.decodeConsumerProtocolSubscription(metadata);
      const { slots } = saidIn<Claim>(userData);
      return Array.isArray(slots) ? slots : [];
    } catch {
      return [];
    }
  }

  async #call<Response>(api: string, ...args: unknown[]): Promise<Response> {
    try {
      const node = (this.#coordinator ??= await findCoordinator(this.#client, this.#options.group));
      return await this.#client.call<Response>(api, node, ...args);
    } catch (error) {
      if (hasReason(error, 'FENCED_INSTANCE_ID')) throw new MemberReplaced(this.#options, error);
      if (hasReason(error, ...moves)) throw groupMoves(error);
      // It may have moved; who looks for it again finds it.
      this.#coordinator = undefined;
      throw error;
    }
  }
}

/** What another member says beside what the protocol has; nothing where that cannot be read. */
function saidIn<Said extends object>(userData: Buffer): Partial<Said> {
  try {
    const said: unknown = JSON.parse(userData.toString('utf8'));
    return typeof said === 'object' && said !== null ? said : {};
  } catch {
    return {};
  }
}
