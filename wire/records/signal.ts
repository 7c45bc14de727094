/**
 * Signals travel among the samples, told apart by `kind`.
 *
 * - `goodbye`: the agent stops on purpose; the server is `off`, not silent.
 * - `end`: a replayed file has been sent whole; the windows of its servers close.
 */
import { z } from 'zod';
import { WIRE_VERSION } from '../version.ts';
import { bootId, serverId, timestampMs } from './fields.ts';

export const signalSchema = z.discriminatedUnion('kind', [
  z.object({
    v: z.literal(WIRE_VERSION),
    kind: z.literal('goodbye'),
    server_id: serverId,
    boot_id: bootId,
    ts: timestampMs,
  }),
  z.object({
    v: z.literal(WIRE_VERSION),
    kind: z.literal('end'),
    boot_id: bootId,
    origin_ms: timestampMs,
  }),
]);

export type Signal = z.infer<typeof signalSchema>;
