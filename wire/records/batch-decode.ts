/** The receiving side of batch.ts: header and acknowledgment by schema, a body taken apart by line. */
import { batchRecordsMax, recordBytesMax } from '../limits.ts';
import type { BatchHeader, DecodedBatch, MalformedLine } from './batch.ts';
import { batchHeaderSchema } from './batch-schema.ts';
import { timestampMs } from './fields.ts';
import { parseJson } from './json.ts';
import { isPlainHeader } from './plain-header.ts';
import type { RawRecord } from './record.ts';
import { WIRE_VERSION } from '../version.ts';

export class BatchFormatError extends Error {
  override readonly name: string = 'BatchFormatError';
}

/** Of a later version of the wire: good to keep until the receiver is a newer one. */
export class NewerBatchError extends BatchFormatError {
  override readonly name = 'NewerBatchError';
}

/** @throws BatchFormatError when the header is none, or the batch has too many records. */
export function decodeBatch(text: string): DecodedBatch {
  const headerEnd = text.indexOf('\n');
  const header = decodeHeader(headerEnd < 0 ? text : text.slice(0, headerEnd));
  const records: RawRecord[] = [];
  const malformed: MalformedLine[] = [];
  let start = headerEnd < 0 ? text.length : headerEnd + 1;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(start, end);
    start = end + 1;
    if (line.trim() === '') continue;
    if (records.length + malformed.length >= batchRecordsMax) {
      throw new BatchFormatError(`more than ${batchRecordsMax} records in one batch`);
    }
    const record = parseRecord(line);
    if (typeof record === 'string') malformed.push({ line: line.slice(0, 1_000), reason: record });
    else records.push(record);
  }
  return { header, records, malformed };
}

/** @throws BatchFormatError, NewerBatchError */
export function decodeHeader(line: string): BatchHeader {
  const json = parseJson(line);
  if (isPlainHeader(json)) return json;
  const parsed = batchHeaderSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const version = versionOf(json);
  if (version > WIRE_VERSION) {
    const known = `this program knows ${WIRE_VERSION}`;
    throw new NewerBatchError(`a batch of version ${version} of the wire, ${known}: update it`);
  }
  const issue = parsed.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  throw new BatchFormatError(`batch header${where && ` ${where}`}: ${issue?.message ?? 'invalid'}`);
}

/** The `v` of a header that may be anything; 0 when it has none that is a version. */
function versionOf(header: unknown): number {
  const v = typeof header === 'object' && header !== null && 'v' in header ? header.v : 0;
  return Number.isSafeInteger(v) ? Number(v) : 0;
}

/** The record, or the reason why the line is none. */
function parseRecord(line: string): RawRecord | string {
  if (line.length > recordBytesMax) return `record longer than ${recordBytesMax} bytes`;
  const parsed = parseJson(line);
  if (parsed === undefined) return 'not JSON';
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return 'not a JSON object';
  }
  const { topic, key, time, value } = parsed as Record<string, unknown>;
  if (topic !== undefined && typeof topic !== 'string') return 'topic is not a string';
  if (key !== undefined && typeof key !== 'string') return 'key is not a string';
  if (time !== undefined && !timestampMs.safeParse(time).success) return 'time is no epoch ms';
  if (value === undefined) return 'no value';
  return { topic, key, timeMs: time as number | undefined, value };
}
