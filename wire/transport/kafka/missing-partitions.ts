/** Keeps one partition that is not there, or has no leader, from stopping all of the library's producer. */
import type { Callback, metadataV12, Producer } from '@platformatic/kafka';
import type { Library } from './client.ts';
import { answerIn } from './errors.ts';
import type { Place } from './offsets.ts';

/** What brokers tell of one that they cannot reach. */
const noLeader = -1;

interface MetadataApi {
  (...all: [...asked: unknown[], answered: Callback<metadataV12.MetadataResponse>]): void;
  readonly version: number;
}

/**
 * While a request is tried again its topic may be made anew with fewer partitions, or a partition lose
 * its leader. The library would look for the leader of one that is no more, and throw where nobody can
 * catch it: then the request fails here, for good, and the next one knows the new partitions.
 * @param wanted partitions of the request that is on its way
 */
export function refuseMissingPartitions(
  library: typeof Library,
  client: Producer,
  wanted: () => readonly Place[],
): void {
  const ask = client[library.kMetadata].bind(client);
  client[library.kMetadata] = (options, callback) =>
    ask(options, (error, metadata) => {
      const trouble = metadata == null ? undefined : troubleOf(wanted(), metadata.topics);
      if (trouble === undefined) return callback(error, metadata);
      callback(Object.assign(trouble, { canRetry: false }));
    });
}

/** Who leads the partitions of topics, as the library has it. */
type Topics = ReadonlyMap<string, { readonly partitions: readonly { readonly leader: number }[] }>;

/** Why a place cannot be written, with its `topic`; those of topics that were not asked for are passed by. */
function troubleOf(places: readonly Place[], topics: Topics): Error | undefined {
  for (const { topic, partition } of places) {
    const known = topics.get(topic);
    if (known === undefined) continue;
    const found = known.partitions[partition];
    if (found === undefined) {
      return Object.assign(new Error(`${topic} has no partition ${partition} any more`), { topic });
    }
    if (found.leader === noLeader) {
      const lonely = new Error(`no leader of ${topic}/${partition}`);
      return Object.assign(lonely, { topic, apiId: 'LEADER_NOT_AVAILABLE' });
    }
  }
  return undefined;
}

/** The library takes no word of a topic of which one partition has no leader: then it could not write to the others. */
export function takePartialMetadata(library: typeof Library, client: Producer): void {
  const find = client[library.kGetApi].bind(client);
  client[library.kGetApi] = (name, callback) =>
    find(name, (error, api) => {
      if (name !== 'Metadata' || error != null) return callback(error, api as never);
      callback(null, takingPartial(api as never) as never);
    });
}

function takingPartial(api: MetadataApi): MetadataApi {
  const ask = (...all: Parameters<MetadataApi>): void => {
    const answered = all.at(-1) as Callback<metadataV12.MetadataResponse>;
    api(...all.slice(0, -1), (error, response) => {
      const partial = error == null ? undefined : partialIn(error);
      if (partial === undefined) return answered(error, response);
      answered(null, partial);
    });
  };
  return Object.assign(ask, { version: api.version });
}

/** The answer in an error that is about single partitions alone. */
function partialIn(error: Error): metadataV12.MetadataResponse | undefined {
  const answer = answerIn(error) as metadataV12.MetadataResponse | undefined;
  return answer?.topics?.every(({ errorCode }) => errorCode === 0) === true ? answer : undefined;
}
