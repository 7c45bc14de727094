/** Where partitions begin and end. */
import type { listOffsetsV9 } from '@platformatic/kafka';
import type { PartitionOffset } from '../log/port.ts';
import type { Requests } from './client.ts';

export type Place = Pick<PartitionOffset, 'topic' | 'partition'>;

/** Tells a partition from the others; a topic's name has no slash. */
export function placeKey({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}

/** What the protocol calls them. */
const TIMESTAMPS = { earliest: -2n, latest: -1n } as const;

/** Offsets by `placeKey`; `latest` is that of the next record to come. */
export async function offsetsOf(
  client: Requests,
  places: readonly Place[],
  which: keyof typeof TIMESTAMPS,
): Promise<ReadonlyMap<string, number>> {
  const topics = [...new Set(places.map(({ topic }) => topic))];
  const { topics: known } = await client.metadata(topics);
  const byLeader = Map.groupBy(
    places,
    ({ topic, partition }) => known.get(topic)?.partitions[partition]?.leader ?? -1,
  );
  const replica = -1;
  const readUncommitted = 0;
  const answers = await Promise.all(
    [...byLeader].map(([node, wanted]) =>
      client.call<listOffsetsV9.ListOffsetsResponse>(
        'ListOffsets',
        node,
        replica,
        readUncommitted,
        byTopic(wanted, ({ partition }) => ({
          partitionIndex: partition,
          currentLeaderEpoch: -1,
          timestamp: TIMESTAMPS[which],
        })),
      ),
    ),
  );
  return new Map(
    answers.flatMap(({ topics: answered }) =>
      answered.flatMap(({ name: topic, partitions }) =>
        partitions.map(({ partitionIndex: partition, offset }) => [
          placeKey({ topic, partition }),
          Number(offset),
        ]),
      ),
    ),
  );
}

/** As most requests want them: partitions within their topic. */
export function byTopic<P extends Place, T>(places: readonly P[], ask: (place: P) => T) {
  return [...Map.groupBy(places, ({ topic }) => topic)].map(([name, partitions]) => ({
    name,
    partitions: partitions.map((place) => ask(place)),
  }));
}
