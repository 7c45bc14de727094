/**
 * Headers of batches, checked by hand: live agents send one with each sample, and the schema's checks
 * of it cost more than all else that is done with the header. What is not plainly right goes to the
 * schema, which also says what is wrong.
 */
import type { BatchHeader } from './batch.ts';
import { isBootId, isOwnVersion, isSeq, isServerId, isTimestamp } from './plain-sample.ts';

const CHECKS: ReadonlyMap<string, (value: unknown) => boolean> = new Map(
  Object.entries({
    v: isOwnVersion,
    sent_at: isTimestamp,
    server_id: isServerId,
    boot_id: isBootId,
    pending_from_ms: isTimestamp,
    oldest_outstanding_seq: isSeq,
    dropped: isSeq,
    sent_by: isBootId,
    waiting: isSeq,
  } satisfies Record<keyof BatchHeader, (value: unknown) => boolean>),
);

/** Never true of what `batchHeaderSchema` refuses, or would change. @param value made of JSON */
export function isPlainHeader(value: unknown): value is BatchHeader {
  if (typeof value !== 'object' || value === null) return false;
  const header = value as Readonly<Record<string, unknown>>;
  for (const field in header) if (CHECKS.get(field)?.(header[field]) !== true) return false;
  return 'v' in header && 'sent_at' in header;
}
