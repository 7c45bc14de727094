/**
 * A batch on the direct transport: newline-delimited JSON, the header first, a record a line.
 *
 *   batch  = header LF *( record LF )
 *   header = {"v":1,"sent_at":ms,"server_id"?,"boot_id"?,"pending_from_ms"?,"oldest_outstanding_seq"?,
 *            "dropped"?}
 *   record = {"topic"?,"key"?,"time"?:ms,"value":any}
 *
 * A line that is not JSON, or no record, is a malformed record: the others of the batch still count.
 */
import { z } from 'zod';
import { batchRecordsMax, recordBytesMax } from '../limits.ts';
import { WIRE_VERSION } from '../version.ts';
import { bootId, seq, serverId, timestampMs } from './fields.ts';
import type { RawRecord } from './record.ts';

const headerSchema = z.object({
  v: z.literal(WIRE_VERSION),
  /** The sender's clock when it sent: the collector tells a wrong clock by it. */
  sent_at: timestampMs,
  server_id: serverId.optional(),
  boot_id: bootId.optional(),
  /** Event time of the oldest sample that still waits at the sender; absent when none does. */
  pending_from_ms: timestampMs.optional(),
  /** Gaps in `seq` below this are lost; above it they may still come. */
  oldest_outstanding_seq: seq.optional(),
  /** Samples of this boot that the sender dropped because too many waited. */
  dropped: seq.optional(),
});

export type BatchHeader = z.infer<typeof headerSchema>;

export interface Batch {
  readonly header: BatchHeader;
  readonly records: readonly RawRecord[];
}

/** A line that is no record, kept as it came (cut to 1,000 characters) with the reason. */
export interface MalformedLine {
  readonly line: string;
  readonly reason: string;
}

export interface DecodedBatch extends Batch {
  readonly malformed: readonly MalformedLine[];
}

/** What the collector says once everything in the batch is durable. */
export const batchAckSchema = z.object({
  stored: z.number().int(),
  duplicates: z.number().int(),
  quarantined: z.number().int(),
  /** The collector's clock, ms since the epoch. */
  now: timestampMs,
});
export type BatchAck = z.infer<typeof batchAckSchema>;

export class BatchFormatError extends Error {
  override readonly name = 'BatchFormatError';
}

export function encodeBatch(batch: Batch): string {
  const lines = [JSON.stringify(batch.header)];
  for (const record of batch.records) {
    lines.push(
      JSON.stringify({
        topic: record.topic,
        key: record.key,
        time: record.timeMs,
        value: record.value,
      }),
    );
  }
  return `${lines.join('\n')}\n`;
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
  const parsed = headerSchema.safeParse(parseJson(line));
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
