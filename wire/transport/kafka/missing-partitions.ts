/** Keeps the library's producer from ending the process. */
import type { Producer } from '@platformatic/kafka';
import type { Library } from './client.ts';
import type { Place } from './offsets.ts';

/**
 * While a request is tried again its topic may be made anew with fewer partitions. The library would
 * look for the leader of one that is no more, and throw where nobody can catch it: then the request
 * fails here, for good, and the next one knows the new partitions.
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
      const missing = wanted().find(({ topic, partition }) => {
        const known = metadata?.topics.get(topic);
        return known !== undefined && known.partitions[partition] === undefined;
      });
      if (missing === undefined) return callback(error, metadata);
      const gone = new Error(`${missing.topic} has no partition ${missing.partition} any more`);
      callback(Object.assign(gone, { canRetry: false }));
    });
}
