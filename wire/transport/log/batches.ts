/**
 * From records of a log to batches as HTTP brings them.
 *
 * All records of one send carry the same header text (`windrow-batch`), so those of one partition
 * that follow each other with the same text are one batch again. Records of other systems have no
 * header: they are about nobody in particular, and were sent when the last of them was.
 *
 * A copy in an old system's format says what a sample of ours says, which is read in its own topic.
 *
 * Whatever else a record holds, it becomes a record or a malformed one with reason and place.
 */
import { SEED_A_TOPICS } from '../../compat/seed-a-format.ts';
import { batchRecordsMax, recordBytesMax, serverIdCharsMax, timestampMsMax } from '../../limits.ts';
import type { BatchHeader, DecodedBatch, MalformedLine } from '../../records/batch.ts';
import { BatchFormatError, decodeHeader } from '../../records/batch-decode.ts';
import {
  BATCH_HEADER,
  COPY_HEADER,
  INVENTORY_TOPIC,
  type RawRecord,
  SAMPLES_TOPIC,
} from '../../records/record.ts';
import { isTextAt } from '../../records/known-texts.ts';
import { readPlainSample } from '../../records/plain-bytes.ts';
import { WIRE_VERSION } from '../../version.ts';
import type { LogRecord } from './port.ts';
import { RecordView } from './record-view.ts';

/** Bytes of a batch's header; ours have some 300. */
const headerBytesMax = 4 * 1024;
/** Bytes of a key: a server's name in UTF-8. */
const keyBytesMax = 4 * serverIdCharsMax;
/** Characters of a malformed record that are kept. */
const lineCharsMax = 1_000;

/** Topics whose key must be the server's name: it decides which collector gets the record. */
const KEYED_TOPICS: ReadonlySet<string> = new Set([
  SAMPLES_TOPIC,
  INVENTORY_TOPIC,
  ...SEED_A_TOPICS,
]);

/** Records of one partition that were sent together. */
export interface LogBatch {
  readonly topic: string;
  readonly partition: number;
  /** Behind its last record. */
  readonly nextOffset: number;
  readonly batch: DecodedBatch;
}

/**
 * In the order of the records, none left out but copies of what is elsewhere; never throws. Each is
 * made when it is asked for: together they would outlive the garbage collector's young space.
 */
export function* batchesOf(records: readonly LogRecord[]): Generator<LogBatch, void> {
  for (let from = 0, to; from < records.length; from = to) {
    to = endOfRun(records, from);
    yield batchOf(records.slice(from, to), records[to - 1]!);
  }
}

/** Behind the last record that was sent together with this one, and follows it. */
function endOfRun(records: readonly LogRecord[], from: number): number {
  const end = Math.min(records.length, from + batchRecordsMax);
  let to = from + 1;
  while (to < end && areTogether(records[to - 1]!, records[to]!)) to += 1;
  return to;
}

function areTogether(a: LogRecord, b: LogRecord): boolean {
  if (a.topic !== b.topic || a.partition !== b.partition) return false;
  if (a.headers === b.headers) return true;
  const [one, other] = [a.headers.get(BATCH_HEADER), b.headers.get(BATCH_HEADER)];
  return one === other || (one !== undefined && other !== undefined && one.equals(other));
}

function batchOf(run: readonly LogRecord[], last: LogRecord): LogBatch {
  const { topic, partition, offset } = last;
  return { topic, partition, nextOffset: offset + 1, batch: decoded(run, last) };
}

function decoded(run: readonly LogRecord[], last: LogRecord): DecodedBatch {
  const bare = { v: WIRE_VERSION, sent_at: timestampOf(last) } as const;
  const header = headerOf(last) ?? bare;
  if (typeof header === 'string') {
    return { header: bare, records: [], malformed: run.map((record) => malformed(record, header)) };
  }
  const records: RawRecord[] = [];
  const malformedOnes: MalformedLine[] = [];
  for (const record of run) {
    if (record.headers.has(COPY_HEADER)) continue;
    const parsed = parse(record);
    if ('reason' in parsed) malformedOnes.push(parsed);
    else records.push(parsed);
  }
  return { header, records, malformed: malformedOnes };
}

/** Undefined where there is none, and a text that says what is wrong with it. */
function headerOf({ headers }: LogRecord): BatchHeader | string | undefined {
  const bytes = headers.get(BATCH_HEADER);
  if (bytes === undefined) return undefined;
  if (bytes.length > headerBytesMax) return `batch header longer than ${headerBytesMax} bytes`;
  try {
    return decodeHeader(bytes.toString('utf8'));
  } catch (error) {
    if (error instanceof BatchFormatError) return error.message;
    throw error;
  }
}

function parse(record: LogRecord): RawRecord | MalformedLine {
  const plain = record.topic === SAMPLES_TOPIC ? plainOf(RecordView.of(record)) : undefined;
  if (plain !== undefined) return rawOf(record, plain.serverId, plain);
  const { value: bytes } = record;
  if (bytes === undefined) return malformed(record, 'tombstone: it has no value');
  if (bytes.length > recordBytesMax)
    return malformed(record, `longer than ${recordBytesMax} bytes`);
  const value = parseJson(bytes);
  if (value === undefined) return malformed(record, 'not JSON');
  const key = keyOf(record, value);
  if (typeof key === 'object') return malformed(record, key.reason);
  return rawOf(record, key, value);
}

/** The sample, where it can be read in its place, and its key is its server. */
function plainOf({ bytes, keyFrom, keyTo, valueFrom, valueTo }: RecordView) {
  if (valueTo - valueFrom > recordBytesMax) return undefined;
  const plain = readPlainSample(bytes, valueFrom, valueTo);
  const isKey =
    plain?.serverId.length === keyTo - keyFrom && isTextAt(bytes, keyFrom, plain.serverId);
  return isKey ? plain : undefined;
}

function rawOf(record: LogRecord, key: string | undefined, value: unknown): RawRecord {
  const { topic, partition, offset } = record;
  return { topic, key, value, timeMs: timestampOf(record), place: { topic, partition, offset } };
}

function keyOf({ topic, key }: LogRecord, value: unknown): string | undefined | { reason: string } {
  if (key !== undefined && key.length > keyBytesMax) {
    return { reason: `key longer than ${keyBytesMax} bytes` };
  }
  const text = key?.toString('utf8');
  if (!KEYED_TOPICS.has(topic) || typeof value !== 'object' || value === null) return text;
  // What is about no server in particular (a replay's end) has none.
  if (!('server_id' in value)) return text;
  if (text === undefined || text === '') return { reason: 'no key: it must be the server_id' };
  return text === value.server_id ? text : { reason: 'key is not the server_id' };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function timestampOf({ timeMs }: LogRecord): number {
  return Math.min(timestampMsMax, Math.max(0, Math.trunc(timeMs) || 0));
}

function malformed({ topic, partition, offset, value }: LogRecord, reason: string): MalformedLine {
  const line = value?.toString('utf8', 0, 4 * lineCharsMax).slice(0, lineCharsMax) ?? '';
  return { line, reason, place: { topic, partition, offset } };
}
