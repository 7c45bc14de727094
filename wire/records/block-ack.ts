/**
 * What became of a block at a receiver: one record on `block-acknowledgments`, and part of the
 * answer to a block's last chunk over the direct transport. The first five fields are those of the
 * old system, whose acknowledgments are read too; the others are ours.
 */
import { z } from 'zod';
import { blockAckBytesMax, blockBytesMax, blocksMax, timestampMsMax } from '../limits.ts';
import { fileName, sha256, transferId } from './block-chunk.ts';
import { reason, serverId } from './fields.ts';
import { explain, parseJson } from './json.ts';

export const BLOCK_ACKS_TOPIC = 'block-acknowledgments';

const whole = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** Seconds since the epoch, with a fraction. */
export const epochSeconds = z
  .number()
  .min(0)
  .max(timestampMsMax / 1_000);

export const blockAckSchema = z.object({
  file_name: fileName,
  block_number: whole.max(blocksMax),
  /** Which receiver has it. */
  machine_id: serverId,
  /** True: verified, and on its disk for good. False: it must be sent again. */
  success: z.boolean(),
  timestamp: epochSeconds,

  transfer_id: transferId.optional(),
  sender: serverId.optional(),
  total_blocks: whole.max(blocksMax).optional(),
  block_size_bytes: whole.max(blockBytesMax).optional(),
  file_size_bytes: whole.optional(),
  /** SHA-256 of the block. */
  checksum: sha256.optional(),
  /** Why it failed. */
  reason: reason.optional(),
  /** It failed only for want of room: sending it again does not count. */
  later: z.boolean().optional(),
  /** It had been stored before. */
  duplicate: z.boolean().optional(),
});

export type BlockAck = z.infer<typeof blockAckSchema>;

/** Answer to a chunk over the direct transport, with 200 or 409. */
export const chunkAnswerSchema = z.object({
  /** Which of the block's chunks is wanted next; after the last one their number. */
  next_chunk: whole,
  ack: blockAckSchema.optional(),
});

export type ChunkAnswer = z.infer<typeof chunkAnswerSchema>;

/** As the block's chunks, so that its acknowledgment lies where they do; undefined for one of the old system. */
export function ackKey({ transfer_id, block_number }: BlockAck): string | undefined {
  return transfer_id === undefined ? undefined : `${transfer_id}/${block_number}`;
}

export type DecodedAck =
  | { readonly kind: 'ack'; readonly ack: BlockAck }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Never throws. */
export function decodeBlockAck(value: Buffer | undefined): DecodedAck {
  if (value === undefined) return malformed('has no value');
  if (value.length > blockAckBytesMax) return malformed(`longer than ${blockAckBytesMax} bytes`);
  const parsed = blockAckSchema.safeParse(parseJson(value.toString()));
  return parsed.success ? { kind: 'ack', ack: parsed.data } : malformed(explain(parsed.error));
}

function malformed(reason: string): DecodedAck {
  return { kind: 'malformed', reason: `block acknowledgment: ${reason}` };
}
