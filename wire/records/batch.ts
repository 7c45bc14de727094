/**
 * A batch on the direct transport: newline-delimited JSON, the header first, a record a line.
 *
 *   batch  = header LF *( record LF )
 *   header = {"v":1,"sent_at":ms,"server_id"?,"boot_id"?,"pending_from_ms"?,"oldest_outstanding_seq"?,
 *            "dropped"?,"sent_by"?,"waiting"?}
 *   record = {"topic"?,"key"?,"time"?:ms,"value":any}
 *
 * A line that is not JSON, or no record, is a malformed record: the others of the batch still count.
 *
 * An agent writes batches and reads none: what checks them is in batch-schema.ts and batch-decode.ts, and zod with it,
 * which would cost the agent 17 MB.
 */
import type { z } from 'zod';
import type { batchAckSchema, batchHeaderSchema } from './batch-schema.ts';
import type { RawRecord, RecordPlace } from './record.ts';

export type BatchHeader = z.infer<typeof batchHeaderSchema>;

/** A record's line as `recordLine` made it: what waited in a file is not parsed to be sent. */
export interface RecordLine {
  readonly line: string;
}

export interface Batch {
  readonly header: BatchHeader;
  readonly records: readonly (RawRecord | RecordLine)[];
}

/** A line that is no record, kept as it came (cut to 1,000 characters) with the reason. */
export interface MalformedLine {
  readonly line: string;
  readonly reason: string;
  /** Absent where it did not come from a log. */
  readonly place?: RecordPlace | undefined;
}

export interface DecodedBatch {
  readonly header: BatchHeader;
  readonly records: readonly RawRecord[];
  readonly malformed: readonly MalformedLine[];
}

/** What the collector says once everything in the batch is durable. */
export type BatchAck = z.infer<typeof batchAckSchema>;

export function recordLine({ topic, key, timeMs, value }: RawRecord): string {
  return JSON.stringify({ topic, key, time: timeMs, value });
}

export function encodeBatch({ header, records }: Batch): string {
  const lines = records.map((record) => ('line' in record ? record.line : recordLine(record)));
  return `${[JSON.stringify(header), ...lines].join('\n')}\n`;
}
