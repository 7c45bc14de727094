/**
 * How far a topic that every collector reads whole has been read here. Pure.
 *
 * Invariant: positions are of the topic that was opened last, or as they were stored: those of a
 * topic that was deleted and made anew since count for nobody.
 */
import type { PartitionOffset, ReadPlace } from '../../wire/transport/log/port.ts';
import type { TopicPosition } from '../store/group.ts';

export class TopicPositions {
  readonly #topic: string;
  #topicId: string | undefined;
  #next: Map<number, TopicPosition>;

  /** @param stored by partition */
  constructor(topic: string, stored: ReadonlyMap<number, TopicPosition>) {
    this.#topic = topic;
    this.#next = new Map(stored);
  }

  /** Where to read on. */
  places(): ReadPlace[] {
    const topic = this.#topic;
    return [...this.#next].map(([partition, { offset, topicId }]) => ({
      topic,
      partition,
      offset,
      topicId,
    }));
  }

  /** @returns whether another topic of that name was read before */
  opened(topicId: string, from: readonly PartitionOffset[]): boolean {
    const stored = [...this.#next.values()].map((position) => position.topicId ?? topicId);
    const known = this.#topicId === undefined ? stored : [this.#topicId];
    this.#topicId = topicId;
    this.#next = new Map(from.map(({ partition, offset }) => [partition, { offset, topicId }]));
    return known.length > 0 && !known.includes(topicId);
  }

  /** All before the offset has been read. @returns what to store; undefined: it was known */
  reach(partition: number, offset: number): TopicPosition | undefined {
    if (offset <= (this.#next.get(partition)?.offset ?? 0)) return undefined;
    const position = { offset, topicId: this.#topicId };
    this.#next.set(partition, position);
    return position;
  }
}
