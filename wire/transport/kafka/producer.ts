/**
 * Writes to Kafka: idempotent, acknowledged by all replicas that are in sync.
 *
 * One request of this producer is on its way at a time, its partitions side by side. Only so does
 * the library number records rightly when a request fails: it then begins anew as another producer,
 * and what was on its way beside it would go under the new numbers.
 */
import type { Producer } from '@platformatic/kafka';
import { messageOf, WindrowError } from '../../../runtime/errors.ts';
import { withinMs } from '../../../runtime/lifecycle.ts';
import type { Logger } from '../../../runtime/logging.ts';
import type { LogProducer, NewLogRecord } from '../log/port.ts';
import { partitionOf } from '../log/partition.ts';
import { RecordsRefused } from '../log/refused.ts';
import { tryMsMax } from '../port.ts';
import {
  clientOptions,
  closeClient,
  hearErrors,
  loadLibrary,
  nameFlag,
  noteBrokers,
} from './client.ts';
import type { KafkaSettings } from './connection.ts';
import { hasReason, kafkaError, writtenIn } from './errors.ts';
import { FailedTopics } from './failed-topics.ts';
import { trustByFile } from './fresh-files.ts';
import { refuseMissingPartitions, takePartialMetadata } from './missing-partitions.ts';
import { namesOf, topicsNamed } from './names.ts';
import { acksOfAll, produceFromOneCopy } from './produce.ts';
import { releaseWritten } from './written.ts';
import { unlessAborted } from '../../../runtime/unless-aborted.ts';

/** An answer that takes longer never comes. */
const requestMsMax = 10_000;
/** Tries of one request under the same numbers, so that a lost answer makes no second copy. */
const retries = 2;
const retryDelayMs = 250;
/** Bytes of one request: as many as a broker with defaults takes for one partition. */
const requestBytesMax = 1_000_000;
/** What a record takes beside key, value and headers, and each of its headers. */
const recordOverheadBytes = 100;
/** So old may be what is known of a topic's partitions; who leads them is asked anew after an error. */
const metadataMsMax = 60_000;
/** Sends that wait for the one on its way; who has more to send awaits each. */
const waitingMax = 1_000;

/** Of a request, be it that its records are too large for the topic only together. */
const tooLargeReasons = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];

/** Tells a broker that the record has no time of its own. */
const noTimeMs = -1;

interface Message {
  readonly topic: string;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly partition: number;
  readonly headers?: Map<Buffer, Buffer>;
  readonly timestamp: bigint;
}

interface Failure {
  readonly error: unknown;
  /** All but what is known to be in the log: sent again, that would be there twice. */
  readonly left: readonly NewLogRecord[];
}

interface Refused {
  readonly record: NewLogRecord;
  readonly error: unknown;
}

export class KafkaProducer implements LogProducer {
  readonly #settings: KafkaSettings;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  #client: Promise<Producer> | undefined;
  /** Bytes of one request; fewer once brokers have refused that many. */
  #bytesMax = requestBytesMax;
  /** Ends when the last of the sends that wait has ended; never rejects. */
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** Of the one request. */
  #onTheirWay: readonly Message[] = [];
  /** Topics that did not take this machine's time, as told. */
  readonly #timeless = new Set<string>();
  /** As of the last try. */
  readonly #failed = new FailedTopics();

  constructor(settings: KafkaSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  async send(records: readonly NewLogRecord[], signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new WindrowError('aborted', 'sending was aborted');
    if (this.#closing.signal.aborted) throw new WindrowError('aborted', 'the producer is closed');
    if (this.#waiting >= waitingMax) {
      throw new WindrowError('overloaded', 'too much waits for the brokers', { retryable: true });
    }
    this.#waiting += 1;
    const sending = this.#last.then(() => this.#sendAll(records, signal));
    this.#last = sending.catch(() => {}).finally(() => (this.#waiting -= 1));
    await unlessAborted(sending, AbortSignal.any([signal, this.#closing.signal]), 'sending');
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#giveUp();
  }

  async #sendAll(records: readonly NewLogRecord[], signal: AbortSignal): Promise<void> {
    const refused: Refused[] = [];
    for (const request of requestsOf(records, this.#bytesMax)) {
      if (signal.aborted || this.#closing.signal.aborted) return;
      refused.push(...(await this.#request(request, signal)));
    }
    if (refused.length === 0) return;
    throw new RecordsRefused(
      refused.map(({ record }) => record),
      ...reasonsOf(refused),
    );
  }

  /** @returns what the brokers will never take; all others are in the log */
  async #request(records: readonly NewLogRecord[], signal: AbortSignal): Promise<Refused[]> {
    const failure = await this.#try(records);
    if (failure === undefined) return [];
    const { error, left } = failure;
    if (hasReason(error, ...tooLargeReasons)) return this.#halve(left, { error, signal });
    const timed = left.filter(({ topic }) => !this.#timeless.has(topic));
    if (!hasReason(error, 'INVALID_TIMESTAMP') || timed.length === 0) {
      throw this.#told(error, left);
    }
    // This machine's clock is far off. Without a time its records are taken; their header has it.
    for (const { topic } of timed) this.#noteTimeless(topic);
    return this.#request(left, signal);
  }

  /** The limit is for all records of a partition together: only one that is alone is too large itself. */
  async #halve(
    records: readonly NewLogRecord[],
    { error, signal }: { error: unknown; signal: AbortSignal },
  ): Promise<Refused[]> {
    const [record, ...more] = records;
    if (record !== undefined && more.length === 0) return [{ record, error }];
    const refused: Refused[] = [];
    const middle = Math.ceil(records.length / 2);
    for (const half of [records.slice(0, middle), records.slice(middle)]) {
      if (signal.aborted || this.#closing.signal.aborted) throw this.#told(error, records);
      refused.push(...(await this.#request(half, signal)));
    }
    if (refused.length === 0) {
      const bytes = records.reduce((sum, each) => sum + bytesOf(each), 0);
      this.#bytesMax = Math.min(this.#bytesMax, Math.ceil(bytes / 2));
    }
    return refused;
  }

  /** @returns undefined: all are in the log */
  async #try(records: readonly NewLogRecord[]): Promise<Failure | undefined> {
    let messages: Message[] = [];
    this.#onTheirWay = messages;
    this.#failed.begin();
    try {
      const client = await (this.#client ??= this.#open());
      await withinMs('sending', tryMsMax, async () => {
        const topics = [...new Set(records.map(({ topic }) => topic))];
        const metadata = await client.metadata({ topics });
        noteBrokers(this.#settings, metadata.brokers.values());
        messages = records.map((record) =>
          this.#message(record, metadata.topics.get(record.topic)?.partitionsCount ?? 1),
        );
        this.#onTheirWay = messages;
        await client.send({ messages, acks: acksOfAll });
      });
      return undefined;
    } catch (error) {
      // The library's numbers may be out of step with the broker's now; a new client has new ones.
      await this.#giveUp();
      nameFlag(error, this.#settings);
      const written = writtenIn(error);
      const isWritten = (message: Message | undefined): boolean =>
        message !== undefined && written.has(`${message.topic}/${message.partition}`);
      return { error, left: records.filter((_, i) => !isWritten(messages[i])) };
    }
  }

  #message(record: NewLogRecord, partitions: number): Message {
    const { topic, key, value, headers, timeMs = Date.now(), partition } = record;
    return {
      topic,
      key: Buffer.from(key),
      // A tombstone; the library writes null, though its types do not say so.
      value: value === null ? (null as unknown as Buffer) : bytesIn(value),
      partition: partition ?? partitionOf(key, partitions),
      ...(headers === undefined ? {} : { headers: headersOf(headers) }),
      timestamp: BigInt(this.#timeless.has(topic) ? noTimeMs : timeMs),
    };
  }

  async #open(): Promise<Producer> {
    const library = await loadLibrary();
    const client = new library.Producer({
      ...clientOptions(this.#settings, { requestMsMax }),
      idempotent: true,
      retries,
      retryDelay: retryDelayMs,
      metadataMaxAge: metadataMsMax,
      timeout: requestMsMax - 1_000,
    });
    hearErrors(client);
    trustByFile(library, client, this.#settings);
    releaseWritten(client);
    takePartialMetadata(library, client);
    produceFromOneCopy(library, client);
    refuseMissingPartitions(library, client, () => this.#onTheirWay);
    this.#failed.listenTo(library, client);
    return client;
  }

  async #giveUp(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await closeClient(await client);
  }

  #noteTimeless(topic: string): void {
    if (this.#timeless.has(topic)) return;
    this.#timeless.add(topic);
    this.#log.warn({ topic }, "the brokers do not take this machine's time: records go without");
  }

  #told(error: unknown, records: readonly NewLogRecord[]): WindrowError {
    return notWritten(error, this.#failed.among(records.map(({ topic }) => topic)));
  }
}

function notWritten(error: unknown, topics: readonly string[]): WindrowError {
  return kafkaError(error instanceof Error ? error : new Error(messageOf(error)), {
    what: `${namesOf(topics)} cannot be written`,
    right: `Write and Describe on ${topicsNamed(topics)}`,
  });
}

/** Each reason once, with the topics whose records are refused for it. */
function reasonsOf(refused: readonly Refused[]): WindrowError[] {
  const reasonOf = ({ error }: Refused) => tooLargeReasons.find((name) => hasReason(error, name));
  return [...Map.groupBy(refused, reasonOf).values()].map((alike) => {
    const topics = new Set(alike.map(({ record }) => record.topic));
    return notWritten(alike[0]?.error, [...topics].toSorted());
  });
}

/** In the order of the records: as many in each as one request holds, at least one. */
function requestsOf(records: readonly NewLogRecord[], bytesMax: number): NewLogRecord[][] {
  const requests: NewLogRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const more = bytesOf(record);
    if (bytes + more > bytesMax) {
      requests.push([]);
      bytes = 0;
    }
    requests.at(-1)?.push(record);
    bytes += more;
  }
  return requests;
}

function headersOf(headers: Readonly<Record<string, string>>): Map<Buffer, Buffer> {
  const named = Object.entries(headers);
  return new Map(named.map(([name, text]) => [Buffer.from(name), Buffer.from(text)]));
}

function bytesIn(value: string | Buffer): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : value;
}

function bytesOf({ key, value, headers }: NewLogRecord): number {
  let inHeaders = 0;
  for (const [name, text] of Object.entries(headers ?? {})) {
    inHeaders += Buffer.byteLength(name) + Buffer.byteLength(text);
  }
  return Buffer.byteLength(key) + Buffer.byteLength(value ?? '') + inHeaders + recordOverheadBytes;
}
