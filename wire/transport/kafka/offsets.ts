/** Where partitions begin and end. */
import type { listOffsetsV9 } from '@platformatic/kafka';
import type { PartitionOffset } from '../log/port.ts';
import type { Requests } from './client.ts';
import { answerIn } from './errors.ts';

export type Place = Pick<PartitionOffset, 'topic' | 'partition'>;

/** Where to read on. */
export interface Position extends PartitionOffset {
  /**
   * Which leader wrote what was read last before it, counted since the topic was made; undefined:
   * nothing was read. A broker whose log has other records there tells by it.
   */
  readonly leaderEpoch?: number;
}

/** Tells a partition from the others; a topic's name has no slash. */
export function placeKey({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}

/** What metadata says where a partition has none. */
export const noLeader = -1;

/** What the protocol calls them. */
const TIMESTAMPS = { earliest: -2n, latest: -1n } as const;

/**
 * Offsets by `placeKey`; `latest` is that of the next record to come. Partitions whose leader does
 * not tell are left out. @throws when no leader does
 */
export async function offsetsOf(
  client: Requests,
  places: readonly Place[],
  which: keyof typeof TIMESTAMPS,
): Promise<ReadonlyMap<string, number>> {
  const topics = [...new Set(places.map(({ topic }) => topic))];
  const { topics: known } = await client.metadata(topics);
  const byLeader = Map.groupBy(
    places,
    ({ topic, partition }) => known.get(topic)?.partitions[partition]?.leader ?? noLeader,
  );
  byLeader.delete(noLeader);
  const answers = await Promise.allSettled(
    [...byLeader].map(([node, wanted]) => offsetsAt(client, node, wanted, TIMESTAMPS[which])),
  );
  const told = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const failed = answers.find(({ status }) => status === 'rejected');
  if (told.length === 0 && failed?.status === 'rejected') throw failed.reason;
  return new Map(told);
}

async function offsetsAt(
  client: Requests,
  node: number,
  places: readonly Place[],
  timestamp: bigint,
): Promise<(readonly [string, number])[]> {
  const replica = -1;
  const readUncommitted = 0;
  const wanted = byTopic(places, ({ partition }) => ({
    partitionIndex: partition,
    currentLeaderEpoch: -1,
    timestamp,
  }));
  const { topics } = await client
    .call<listOffsetsV9.ListOffsetsResponse>('ListOffsets', node, replica, readUncommitted, wanted)
    .catch((error: unknown) => {
      const answer = answerIn(error) as listOffsetsV9.ListOffsetsResponse | undefined;
      const isToldAny = answer?.topics.some(({ partitions }) => partitions.some(isTold));
      if (answer === undefined || isToldAny !== true) throw error;
      return answer;
    });
  return topics.flatMap(({ name: topic, partitions }) =>
    partitions
      .filter(isTold)
      .map(
        ({ partitionIndex: partition, offset }) =>
          [placeKey({ topic, partition }), Number(offset)] as const,
      ),
  );
}

function isTold({ errorCode }: { readonly errorCode: number }): boolean {
  return errorCode === 0;
}

/** As most requests want them: partitions within their topic. */
export function byTopic<P extends Place, T>(places: readonly P[], ask: (place: P) => T) {
  return [...Map.groupBy(places, ({ topic }) => topic)].map(([name, partitions]) => ({
    name,
    partitions: partitions.map((place) => ask(place)),
  }));
}
