/**
 * Headers of batches, checked by hand: live agents send one with each sample, and the schema's checks
 * of it cost more than all else that is done with the header. What is not plainly right goes to the
 * schema, which also says what is wrong.
 */
import type { BatchHeader } from './batch.ts';
import {
  areRight,
  type Check,
  checks,
  isBootId,
  isOwnVersion,
  isSeq,
  isServerId,
  isTimestamp,
} from './plain-fields.ts';

type Required = 'v' | 'sent_at';

const REQUIRED = checks({
  v: isOwnVersion,
  sent_at: isTimestamp,
} satisfies Record<Required, Check>);
const OPTIONAL = checks({
  server_id: isServerId,
  boot_id: isBootId,
  pending_from_ms: isTimestamp,
  oldest_outstanding_seq: isSeq,
  dropped: isSeq,
  sent_by: isBootId,
  waiting: isSeq,
} satisfies Record<Exclude<keyof BatchHeader, Required>, Check>);

/** Never true of what `batchHeaderSchema` refuses, or would change. @param value made of JSON */
export function isPlainHeader(value: unknown): value is BatchHeader {
  return areRight(value, REQUIRED, OPTIONAL);
}
