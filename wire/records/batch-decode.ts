/** The receiving side of batch.ts: header and acknowledgment by schema, a body taken apart by line. */
import { z } from 'zod';
import { batchRecordsMax, recordBytesMax } from '../limits.ts';
import { WIRE_VERSION } from '../version.ts';
import type { BatchHeader, DecodedBatch, MalformedLine } from './batch.ts';
import { bootId, seq, serverId, timestampMs } from './fields.ts';
import type { RawRecord } from './record.ts';

export const batchHeaderSchema = z.object({
  v: z.literal(WIRE_VERSION),
  /** The sender's clock when it sent: the collector tells a wrong clock by it. */
  sent_at: timestampMs,
  server_id: serverId.optional(),
  boot_id: bootId.optional(),
  /** Event time of the oldest sample, of any boot, that waits at the sender beside this batch; absent when none does. */
  pending_from_ms: timestampMs.optional(),
  /** The lowest `seq` of `boot_id` that the sender still has: gaps below it are lost, above it they may still come. */
  oldest_outstanding_seq: seq.optional(),
  /** Samples of this boot that the sender dropped because too many waited. */
  dropped: seq.optional(),
  /** Boot of the process that sends, when it is another one than `boot_id`: a backlog of an earlier run. */
  sent_by: bootId.optional(),
  /** Records of all boots that wait at the sender beside this batch; absent when none does. */
  waiting: seq.optional(),
});

/** What the collector says once everything in the batch is durable. */
export const batchAckSchema = z.object({
  stored: z.number().int(),
  duplicates: z.number().int(),
  quarantined: z.number().int(),
  /** The collector's clock, ms since the epoch. */
  now: timestampMs,
});

export class BatchFormatError extends Error {
  override readonly name = 'BatchFormatError';
}

/** @throws BatchFormatError when the header is none, or the batch has too many records. */
export function decodeBatch(text: string): DecodedBatch {
  const headerEnd = text.indexOf('\n');
  const header = parseHeader(headerEnd < 0 ? text : text.slice(0, headerEnd));
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

function parseHeader(line: string): BatchHeader {
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
