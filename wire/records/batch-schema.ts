/** What the header and the acknowledgment of a batch hold. */
import { z } from 'zod';
import { WIRE_VERSION } from '../version.ts';
import { bootId, seq, serverId, timestampMs } from './fields.ts';

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
