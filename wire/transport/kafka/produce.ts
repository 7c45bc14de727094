/**
 * Makes the requests that write records. The library would do it, but there the checksum of a batch
 * takes a copy of all its records, a megabyte for a chunk of a file, which waits for the garbage
 * collector; and what collects often enough for that takes all that is on its way for old.
 *
 * What always holds: the library copies a request as soon as it is made, before anything else runs.
 * So the memory in which its batches are written is used again for the next one, of whichever client.
 */
import type {
  Callback,
  CreateRecordsBatchOptions,
  MessageRecord,
  Producer,
  produceV11,
  Writer,
} from '@platformatic/kafka';
import type * as Library from '@platformatic/kafka';
import { batchBytesOf, writeBatch } from './batch-bytes.ts';

const produceKey = 0;
/** The versions that are written as here; older ones the library writes. */
const firstVersion = 9;
const lastVersion = 11;
/** A record counts as written when all replicas that are in sync have it. */
export const acksOfAll = -1;
/** Memory for batches grows by so much. */
const stepBytes = 64 * 1024;

type ProduceApi = typeof produceV11.api;

/** For clients that write; nothing else of them changes. */
export function produceFromOneCopy(library: typeof Library, client: Producer): void {
  const find = client[library.kGetApi].bind(client);
  const apis = new Map<ProduceApi, ProduceApi>();
  client[library.kGetApi] = (name, callback) =>
    find(name, (error, api) => {
      if (name !== 'Produce' || error != null) return callback(error, api as never);
      const theirs = api as unknown as ProduceApi;
      const ours = apis.get(theirs) ?? produceApi(library, theirs);
      apis.set(theirs, ours);
      (callback as Callback<unknown>)(null, ours);
    });
}

function produceApi(library: typeof Library, theirs: ProduceApi): ProduceApi {
  const { version } = theirs;
  if (version < firstVersion || version > lastVersion) return theirs;
  const { parseResponse } = library[`produceV${version}` as 'produceV11'];
  const create = (...asked: Parameters<typeof produceV11.createRequest>): Writer =>
    produceRequest(library, ...asked);
  return library.createAPI(produceKey, version, create as never, parseResponse);
}

/** The same bytes as the library's own, but for times that are far from each other. They are good until the next request is made. */
export function produceRequest(
  library: typeof Library,
  acks = acksOfAll,
  timeoutMs = 0,
  messages: readonly MessageRecord[] = [],
  options: Partial<CreateRecordsBatchOptions> = {},
): Writer {
  memory.begin();
  return library.Writer.create()
    .appendString(options.transactionalId)
    .appendInt16(acks)
    .appendInt32(timeoutMs)
    .appendArray(library.groupByProperty(messages, 'topic'), (topics, [topic, ofTopic]) => {
      const partitions = library.groupByProperty(ofTopic, 'partition');
      topics.appendString(String(topic)).appendArray(partitions, (each, [partition, records]) => {
        const batch = batchOf(library, records, options);
        each
          .appendInt32(Number(partition))
          .appendUnsignedVarInt(batch.length + 1)
          .append(batch);
      });
    })
    .appendTaggedFields();
}

/** @param records each with its time */
function batchOf(
  library: typeof Library,
  records: readonly MessageRecord[],
  { producerId, producerEpoch, sequences }: Partial<CreateRecordsBatchOptions>,
): Buffer {
  const [first] = records;
  const sequence = sequences?.getWithDefault(`${first?.topic}:${first?.partition}`, 0) ?? 0;
  const batch = memory.take(batchBytesOf(records));
  const by = { producerId, producerEpoch, sequence };
  writeBatch(batch, records, by, (bytes) => library.crc32c(bytes));
  return batch;
}

/** Of the batches of one request, side by side. */
class BatchMemory {
  #memory = Buffer.alloc(0);
  #used = 0;

  begin(): void {
    this.#used = 0;
  }

  take(batchBytes: number): Buffer {
    if (this.#used + batchBytes > this.#memory.length) {
      const bytes = this.#used + batchBytes;
      this.#memory = Buffer.allocUnsafeSlow(Math.ceil(bytes / stepBytes) * stepBytes);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += batchBytes;
    return this.#memory.subarray(from, this.#used);
  }
}

const memory = new BatchMemory();
