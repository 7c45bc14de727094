/** Where partitions begin and end. */
import type { listOffsetsV9, offsetForLeaderEpochV4 } from '@platformatic/kafka';
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
/** What it says of an epoch, or of an offset, that is not known. */
const unknown = -1;
/** Who asks is no replica. */
const replica = -1;

/**
 * Offsets by `placeKey`; `latest` is that of the next record to come. Partitions whose leader does
 * not tell are left out. @throws when no leader does
 */
export function offsetsOf(
  client: Requests,
  places: readonly Place[],
  which: keyof typeof TIMESTAMPS,
): Promise<ReadonlyMap<string, number>> {
  return askLeaders(client, places, (node, wanted) =>
    offsetsAt(client, node, wanted, TIMESTAMPS[which]),
  );
}

/**
 * Where what was read last ends now, with all that came before it, by `placeKey`: an offset below
 * the position says that the log lost what it had from there on. Positions that have no leader's
 * epoch, and those whose leader does not tell, are left out. @throws when no leader does
 */
export function endsOfRead(
  client: Requests,
  read: readonly Position[],
): Promise<ReadonlyMap<string, number>> {
  const known = read.filter(({ leaderEpoch = unknown }) => leaderEpoch !== unknown);
  return askLeaders(client, known, (node, wanted) => epochsAt(client, node, wanted));
}

type Offsets = (readonly [string, number])[];

/** Each leader for its own. */
async function askLeaders<P extends Place>(
  client: Requests,
  places: readonly P[],
  ask: (node: number, wanted: readonly P[]) => Promise<Offsets>,
): Promise<ReadonlyMap<string, number>> {
  if (places.length === 0) return new Map();
  const topics = [...new Set(places.map(({ topic }) => topic))];
  const { topics: known } = await client.metadata(topics);
  const byLeader = Map.groupBy(
    places,
    ({ topic, partition }) => known.get(topic)?.partitions[partition]?.leader ?? noLeader,
  );
  byLeader.delete(noLeader);
  const answers = await Promise.allSettled(
    [...byLeader].map(([node, wanted]) => ask(node, wanted)),
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
): Promise<Offsets> {
  const readUncommitted = 0;
  const wanted = byTopic(places, ({ partition }) => ({
    partitionIndex: partition,
    currentLeaderEpoch: unknown,
    timestamp,
  }));
  const { topics } = await client
    .call<listOffsetsV9.ListOffsetsResponse>('ListOffsets', node, replica, readUncommitted, wanted)
    .catch((error: unknown) => toldIn(error) as listOffsetsV9.ListOffsetsResponse);
  return topics.flatMap(({ name: topic, partitions }) =>
    partitions
      .filter(isTold)
      .map(
        ({ partitionIndex: partition, offset }) =>
          [placeKey({ topic, partition }), Number(offset)] as const,
      ),
  );
}

/**
 * The answer is for the asked epoch or, where the log has nothing of that, for the last one before
 * it. Either way its end is the first offset that is known to differ, and where it lies behind the
 * position nobody knows one: to find it, where each epoch began in what was read would have to be
 * kept. So the epoch of the answer changes nothing, as in Kafka's own client (KIP-320).
 */
async function epochsAt(
  client: Requests,
  node: number,
  read: readonly Position[],
): Promise<Offsets> {
  const wanted = byTopic(read, ({ partition, leaderEpoch }) => ({
    partitionIndex: partition,
    currentLeaderEpoch: unknown,
    leaderEpoch,
  }));
  type Response = offsetForLeaderEpochV4.OffsetForLeaderEpochResponse;
  const { topics } = await client
    .call<Response>('OffsetForLeaderEpoch', node, replica, wanted)
    .catch((error: unknown) => toldIn(error) as Response);
  return topics.flatMap(({ topic, partitions }) =>
    partitions
      .filter((each) => isTold(each) && Number(each.endOffset) !== unknown)
      .map(({ partition, endOffset }) => [placeKey({ topic, partition }), Number(endOffset)]),
  );
}

interface Told {
  readonly topics: readonly {
    readonly partitions: readonly { readonly errorCode: number }[];
  }[];
}

/** An answer that tells of some. @throws the error where it tells of none */
function toldIn(error: unknown): Told {
  const answer = answerIn(error) as Told | undefined;
  const isToldAny = answer?.topics.some(({ partitions }) => partitions.some(isTold));
  if (answer === undefined || isToldAny !== true) throw error;
  return answer;
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
