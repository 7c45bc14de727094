/**
 * The agent's end of a log: a batch becomes records of its topics that all carry the batch's header.
 *
 * Nobody answers, so what is acknowledged is that the batch is durable in the log; what a collector
 * makes of it, repeats and malformed records, is between the two of them.
 */
import type { Clock } from '../../../runtime/clock.ts';
import { WindrowError } from '../../../runtime/errors.ts';
import { unlessAborted } from '../../../runtime/unless-aborted.ts';
import { batchRecordsMax } from '../../limits.ts';
import type { Batch, BatchHeader, RecordLine } from '../../records/batch.ts';
import { BATCH_HEADER, COPY_HEADER, type RawRecord, SAMPLES_TOPIC } from '../../records/record.ts';
import type { BatchSender, SendAck } from '../port.ts';
import { Beside, type BesideOptions } from './beside.ts';
import type { Log, LogAdmin, LogProducer, NewLogRecord, TopicSpec } from './port.ts';
import { RecordsRefused } from './refused.ts';

export interface LogSenderOptions {
  readonly log: Log;
  /** Made when they are missing, at the first batch that gets through. */
  readonly topics: readonly TopicSpec[];
  readonly clock: Clock;
  /** Writes samples in an old system's format too, for its consumers. */
  readonly copies?: CopyFormat | undefined;
  /** Topics whose trouble is none of the samples'. Absent: a batch is there when all of it is. */
  readonly beside?: BesideOptions;
}

/** The records of another format that say what a sample says, as far as that format can. */
export type CopyFormat = (sample: unknown, sentMs: number) => readonly RawRecord[];

export function createLogSender(options: LogSenderOptions): BatchSender {
  return new LogSender(options);
}

class LogSender implements BatchSender {
  readonly #options: LogSenderOptions;
  readonly #producer: LogProducer;
  readonly #beside: Beside | undefined;
  #admin: LogAdmin | undefined;
  /** Of the samples' topic; unknown before the topics were seen. */
  #partitions: number | undefined;
  /** While the topics are looked at: batches that are sent side by side wait for one look. */
  #preparing: Promise<number> | undefined;
  readonly #closing = new AbortController();

  constructor(options: LogSenderOptions) {
    this.#options = options;
    this.#producer = options.log.producer();
    this.#beside = options.beside && new Beside(options.log, options.beside);
  }

  async send(batch: Batch, signal: AbortSignal): Promise<SendAck> {
    if (signal.aborted) throw new WindrowError('aborted', 'sending was aborted');
    if (batch.records.length > batchRecordsMax) {
      throw new WindrowError('refused', `more than ${batchRecordsMax} records in one batch`);
    }
    const partitions =
      this.#partitions ?? (await unlessAborted(this.#prepared(), signal, 'looking at topics'));
    const headers = { [BATCH_HEADER]: JSON.stringify(batch.header) };
    const batching: Batching = { header: batch.header, headers, partitions };
    const raw = batch.records.map((record) => rawOf(record));
    const own = raw.map((record) => placed(record, batching));
    const copies = raw.flatMap((record) => this.#copiesOf(record, batching));
    const all = [...own.flat(), ...copies];
    const isBeside = (record: NewLogRecord): boolean => this.#beside?.takes(record) === true;
    const left = await this.#write(
      all.filter((record) => !isBeside(record)),
      signal,
    );
    await this.#beside?.add(all.filter(isBeside), signal);
    const now = this.#options.clock.wallMs();
    const refused = own.flatMap((records, place) =>
      records.some((record) => left.has(record)) ? [place] : [],
    );
    const stored = batch.records.length - refused.length;
    const ack = { stored, duplicates: 0, quarantined: 0, now };
    return refused.length === 0 ? ack : { ...ack, refused };
  }

  /** @returns what the log will never take; all others are in it */
  async #write(
    records: readonly NewLogRecord[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<NewLogRecord>> {
    try {
      await this.#producer.send(records, signal);
      return new Set();
    } catch (error) {
      if (error instanceof RecordsRefused) return new Set(error.records);
      // It may be for a topic that somebody deleted.
      this.#partitions = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#producer.close();
    await this.#beside?.close();
    await this.#admin?.close();
  }

  #copiesOf({ topic = SAMPLES_TOPIC, value }: RawRecord, batching: Batching): NewLogRecord[] {
    const copies = topic === SAMPLES_TOPIC ? this.#options.copies : undefined;
    const headers = { [COPY_HEADER]: topic };
    return (copies?.(value, batching.header.sent_at) ?? []).flatMap((copy) =>
      placed(copy, { ...batching, headers }),
    );
  }

  /** @returns how many partitions the samples' topic has */
  #prepared(): Promise<number> {
    this.#preparing ??= this.#prepare(this.#closing.signal).finally(() => {
      this.#preparing = undefined;
    });
    return this.#preparing;
  }

  async #prepare(signal: AbortSignal): Promise<number> {
    const { log, topics } = this.#options;
    this.#admin ??= log.admin();
    await this.#admin.ensure(topics, signal);
    const counts = await this.#admin.partitions([SAMPLES_TOPIC], signal);
    // Whatever else is sent needs no connection of its own.
    await this.#admin.close();
    this.#admin = undefined;
    this.#partitions = counts.get(SAMPLES_TOPIC) ?? 1;
    return this.#partitions;
  }
}

/** What all records of a batch have in common. */
interface Batching {
  readonly header: BatchHeader;
  readonly headers: Readonly<Record<string, string>>;
  readonly partitions: number;
}

function rawOf(record: RawRecord | RecordLine): RawRecord {
  if (!('line' in record)) return record;
  const { time, ...rest } = JSON.parse(record.line) as RawRecord & { readonly time?: number };
  return { ...rest, timeMs: time };
}

/** One record, or one for each partition of what is about no server in particular. */
function placed(record: RawRecord, batching: Batching): NewLogRecord[] {
  const { header, headers, partitions } = batching;
  const { topic = SAMPLES_TOPIC, value, timeMs = header.sent_at } = record;
  const key = record.key ?? header.server_id ?? serverIdIn(value);
  const placeless = { topic, value: JSON.stringify(value), timeMs, headers };
  if (key !== undefined) return [{ ...placeless, key }];
  return Array.from({ length: partitions }, (_, partition) => ({
    ...placeless,
    key: '',
    partition,
  }));
}

function serverIdIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('server_id' in value)) return undefined;
  return typeof value.server_id === 'string' ? value.server_id : undefined;
}
