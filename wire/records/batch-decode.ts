/** The receiving side of batch.ts: header and acknowledgment by schema, a body taken apart by line. */
import { batchRecordsMax, recordBytesMax } from '../limits.ts';
import type { BatchHeader, DecodedBatch, MalformedLine } from './batch.ts';
import { batchHeaderSchema } from './batch-schema.ts';
import { timestampMs } from './fields.ts';
import { parseJson } from './json.ts';
import type { RawRecord } from './record.ts';

export class BatchFormatError extends Error {
  override readonly name = 'BatchFormatError';
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

/** @throws BatchFormatError */
export function decodeHeader(line: string): BatchHeader {
  const parsed = batchHeaderSchema.safeParse(parseJson(line));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  throw new BatchFormatError(`batch header${where && ` ${where}`}: ${issue?.message ?? 'invalid'}`);
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
