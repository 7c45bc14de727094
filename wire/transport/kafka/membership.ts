/**
 * One member of a group, by the classic protocol. The member that the coordinator made the leader
 * assigns the slots. It has a name of its own (`group.instance.id`): when it comes back before its
 * session has ended, it gets the slots that it had and nobody else moves.
 */
import type { joinGroupV9, offsetFetchV9, syncGroupV5 } from '@platformatic/kafka';
import { WindrowError } from '../../../runtime/errors.ts';
import { assignSlots } from '../log/assign.ts';
import type { Commit, GroupOptions } from '../log/port.ts';
import { MemberReplaced } from '../log/replaced.ts';
import { readingOf, slotCountOf, slotOf, type SlotPlace, type Topics } from '../log/slots.ts';
import type { KafkaClient } from './client.ts';
import { hasReason } from './errors.ts';
import { committedMetadata, noteIn } from './committed.ts';
import { findCoordinator } from './coordinator.ts';
import { byTopic, placeKey } from './offsets.ts';

/** Who is not heard for so long is out, and the others take over. */
export const sessionMs = 10_000;
/** How long the others wait for one that still works on what it has. */
export const rebalanceMs = 30_000;
const protocol = 'windrow-slots';
const protocolType = 'consumer';

/** What a member tells the leader. */
interface Claim {
  readonly slots: readonly number[];
}

export interface Share {
  readonly generation: number;
  readonly slots: ReadonlySet<number>;
  /** Those that were there when the share was made. */
  readonly topics: Topics;
}

/** The share is another's by now, or none is ours yet: it passes. */
export function groupMoves(cause?: unknown): WindrowError {
  return new WindrowError('unreachable', 'the group changes hands', {
    cause,
    retryable: true,
    hint: 'If that goes on, members come and go: look at them with kafka-consumer-groups.sh --describe --members, and into their logs.',
  });
}

export class Membership {
  readonly #client: KafkaClient;
  readonly #options: GroupOptions;
  #memberId = '';
  #generation = -1;
  #coordinator: number | undefined;

  constructor(client: KafkaClient, options: GroupOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Waits for the others. `claims`: what it had. @throws errors of the library */
  async join(claims: ReadonlySet<number>): Promise<Share> {
    const topics = await this.topics();
    try {
      const joined = await this.#join(claims);
      this.#memberId = joined.memberId;
      this.#generation = joined.generationId;
      const slots = await this.#sync(this.#assignments(joined, topics));
      return { generation: joined.generationId, slots, topics };
    } catch (error) {
      if (hasReason(error, 'UNKNOWN_MEMBER_ID')) this.#memberId = '';
      throw error;
    }
  }

  /** @returns whether the share is still ours; `rebalance` and `lost` ask for a new one */
  async heartbeat(): Promise<'ours' | 'rebalance' | 'lost'> {
    const { group, member } = this.#options;
    try {
      await this.#call('Heartbeat', group, this.#generation, this.#memberId, member);
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

  /** @param share that they were taken in: by now it may be another one */
  async commit(offsets: readonly Commit[], { generation, topics: known }: Share): Promise<void> {
    const { group, member } = this.#options;
    const topics = byTopic(offsets, ({ topic, partition, offset, note }) => ({
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: -1,
      committedMetadata: committedMetadata(known.get(topic)?.id, note),
    }));
    try {
      await this.#call('OffsetCommit', group, generation, this.#memberId, member, topics);
    } catch (error) {
      const moved = ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS'] as const;
      if (!hasReason(error, ...moved)) throw error;
      throw groupMoves(error);
    }
  }

  /** By `placeKey`; what was never committed of these very topics is left out. */
  async committed(
    places: readonly SlotPlace[],
  ): Promise<ReadonlyMap<string, Pick<Commit, 'offset' | 'note'>>> {
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
    const found = new Map<string, Pick<Commit, 'offset' | 'note'>>();
    for (const { name: topic, partitions } of groups.flatMap((group) => group.topics)) {
      for (const { partitionIndex: partition, committedOffset, metadata } of partitions) {
        const note = noteIn(metadata ?? null, ids.get(topic));
        if (note === 'of another topic' || committedOffset < 0n) continue;
        found.set(placeKey({ topic, partition }), { offset: Number(committedOffset), ...note });
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

  #join(claims: ReadonlySet<number>): Promise<joinGroupV9.JoinGroupResponse> {
    const { group, member, topics } = this.#options;
    const claim: Claim = { slots: [...claims] };
    const metadata = this.#client.library.encodeConsumerProtocolSubscription({
      version: 0,
      topics: [...topics],
      userData: JSON.stringify(claim),
    });
    const offered = [{ name: protocol, metadata }];
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

  async #sync(assignments: readonly object[]): Promise<ReadonlySet<number>> {
    const { group, member } = this.#options;
    const { assignment } = await this.#call<syncGroupV5.SyncGroupResponse>(
      'SyncGroup',
      group,
      this.#generation,
      this.#memberId,
      member,
      protocolType,
      protocol,
      assignments,
    );
    if (assignment.length === 0) return new Set();
    const { assignedPartitions } =
      this.#client.library.decodeConsumerProtocolAssignment(assignment);
    const slots = assignedPartitions.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => slotOf({ topic, partition }, this.#options)),
    );
    return new Set(slots);
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
    const assigned = assignSlots(slotCountOf(topics, this.#options), members);
    return members.map(({ memberId, name }) => {
      const { places } = readingOf(new Set(assigned.get(name)), topics, rules);
      const assignedPartitions = byTopic(places, ({ partition }) => partition).map(
        ({ name: topic, partitions }) => ({ topic, partitions }),
      );
      const { encodeConsumerProtocolAssignment } = this.#client.library;
      return {
        memberId,
        assignment: encodeConsumerProtocolAssignment({ version: 0, assignedPartitions }),
      };
    });
  }

  /** What another member says of itself; nothing where that cannot be read. */
  #claimed(metadata: Buffer): readonly number[] {
    try {
      const { userData } = this.#client.library.decodeConsumerProtocolSubscription(metadata);
      const { slots } = JSON.parse(userData.toString('utf8')) as Partial<Claim>;
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
      // It may have moved; who looks for it again finds it.
      if (!hasReason(error, 'REBALANCE_IN_PROGRESS')) this.#coordinator = undefined;
      throw error;
    }
  }
}
