/** What a receiver of blocks tells about itself every 5 s and at its end: one record on `processing-status`, as the old system has it. */
import { z } from 'zod';
import { partitionsMax, statusBytesMax, statusPartitionsMax } from '../limits.ts';
import { name, serverId } from './fields.ts';
import { explain, parseJson } from './json.ts';

export const PROCESSING_STATUS_TOPIC = 'processing-status';

const whole = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const processingStatusSchema = z.object({
  machine_id: serverId,
  group_id: name,
  /** Since its start. */
  blocks_processed: whole,
  total_bytes: whole,
  failed_blocks: whole,
  /** Of `data-blocks`. */
  assigned_partitions: z.array(whole.max(partitionsMax)).max(statusPartitionsMax),
});

export type ProcessingStatus = z.infer<typeof processingStatusSchema>;

export type DecodedStatus =
  | { readonly kind: 'status'; readonly status: ProcessingStatus }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Never throws. */
export function decodeProcessingStatus(value: Buffer | undefined): DecodedStatus {
  if (value === undefined) return malformed('has no value');
  if (value.length > statusBytesMax) return malformed(`longer than ${statusBytesMax} bytes`);
  const parsed = processingStatusSchema.safeParse(parseJson(value.toString()));
  if (!parsed.success) return malformed(explain(parsed.error));
  return { kind: 'status', status: parsed.data };
}

function malformed(reason: string): DecodedStatus {
  return { kind: 'malformed', reason: `processing status: ${reason}` };
}
