/**
 * Which partitions a share of the slots reads. Pure.
 *
 * Slot i is partition i of every topic. Of a topic that is read whole all partitions are in slot 0.
 */
import type { GroupOptions, PartitionOffset, Uneven } from './port.ts';

type SlotRules = Pick<GroupOptions, 'whole' | 'together' | 'alike' | 'spread'>;

/** A topic as it is now; one that is deleted and made anew has another id. */
export interface TopicState {
  readonly id: string;
  readonly partitions: number;
}

/** By name; those that are not there are left out. */
export type Topics = ReadonlyMap<string, TopicState>;

export interface SlotPlace extends Pick<PartitionOffset, 'topic' | 'partition'> {
  readonly slot: number;
  readonly topicId: string;
}

export interface Reading {
  readonly places: readonly SlotPlace[];
  readonly uneven: readonly Uneven[];
  /** Which topics are read: where it differs, what was known of positions is void. */
  readonly identity: string;
}

export function slotOf(
  { topic, partition }: Pick<PartitionOffset, 'topic' | 'partition'>,
  { whole = [] }: SlotRules,
): number {
  return whole.includes(topic) ? 0 : partition;
}

/** Those of the group that are not there. */
export function missingIn(
  topics: Topics,
  { topics: names }: Pick<GroupOptions, 'topics'>,
): string[] {
  return names.filter((topic) => !topics.has(topic));
}

export function slotCountOf(topics: Topics, rules: SlotRules): number {
  const last = [...topics].map(([topic, { partitions }]) =>
    slotOf({ topic, partition: partitions - 1 }, rules),
  );
  return Math.max(-1, ...last) + 1;
}

export function readingOf(slots: ReadonlySet<number>, topics: Topics, rules: SlotRules): Reading {
  // With all slots in one hand nothing that belongs together is apart.
  const isWhole = slots.size >= slotCountOf(topics, rules);
  const { together = [], alike = [] } = rules;
  const uneven = [
    ...unevenOf(together, topics, isWhole),
    ...unevenOf(alike, topics, true),
    ...narrowOf(topics, rules),
  ];
  const waits = (topic: string): boolean =>
    uneven.some(({ isRead, partitions }) => !isRead && partitions.has(topic));
  const read = [...topics].filter(([topic]) => !waits(topic));
  const places = read.flatMap(([topic, { id: topicId, partitions }]) =>
    Array.from({ length: partitions }, (_, partition) => {
      const slot = slotOf({ topic, partition }, rules);
      return { topic, partition, slot, topicId };
    }),
  );
  const identity = read.map(([topic, { id }]) => `${topic} ${id}`).sort();
  return {
    places: places.filter(({ slot }) => slots.has(slot)),
    uneven,
    identity: identity.join('\n'),
  };
}

function unevenOf(names: readonly string[], topics: Topics, isRead: boolean): Uneven[] {
  const counted = names.flatMap((topic) => {
    const state = topics.get(topic);
    return state === undefined ? [] : [[topic, state.partitions] as const];
  });
  const partitions = new Map(counted);
  return new Set(partitions.values()).size > 1 ? [{ partitions, isRead }] : [];
}

/** Of topics that are read whole the partitions make no slots. Sorted: told once for each state. */
function narrowOf(topics: Topics, rules: SlotRules): Uneven[] {
  const { whole = [], spread = '' } = rules;
  const slotCount = slotCountOf(topics, rules);
  const own = topics.get(spread);
  if (own === undefined || own.partitions >= slotCount) return [];
  const counted = [...topics].flatMap(([topic, { partitions }]) =>
    whole.includes(topic) ? [] : [[topic, partitions] as const],
  );
  const sorted = counted.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return [{ partitions: new Map(sorted), isRead: true, slotCount }];
}
