/** Acknowledgments as a receiver makes them. Pure. */
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { reasonCharsMax } from '../../wire/limits.ts';
import { type BlockAck, blockAckSchema } from '../../wire/records/block-ack.ts';
import type { BlockChunk } from '../../wire/records/block-chunk.ts';
import { inert } from '../../wire/records/fields.ts';
import { parseJson } from '../../wire/records/json.ts';

export interface Here {
  readonly machineId: string;
  readonly nowMs: number;
}

/** Verified and stored. */
export function ackOf(chunk: BlockChunk, sha256: string, here: Here): BlockAck {
  return { ...commonOf(chunk, here), success: true, checksum: sha256 };
}

/** It had been stored before. */
export function duplicateAck(chunk: BlockChunk, sha256: string, here: Here): BlockAck {
  return { ...ackOf(chunk, sha256, here), duplicate: true };
}

export function failureAck(chunk: BlockChunk, reason: string, here: Here): BlockAck {
  return {
    ...commonOf(chunk, here),
    success: false,
    reason: inert(reason.slice(0, reasonCharsMax)),
  };
}

/** Of a chunk that is not taken in, for good or for now. */
export function refusalAck(chunk: BlockChunk, error: unknown, here: Here): BlockAck {
  const ack = failureAck(chunk, messageOf(error), here);
  const isLater = error instanceof WindrowError && error.code === 'no_room';
  return isLater ? { ...ack, later: true } : ack;
}

/** Of a record that is no chunk, as far as it says of which block it would be; undefined: it does not. */
export function unnamedFailureAck(
  { key, header, reason }: { key: string; header: string | undefined; reason: string },
  { machineId, nowMs }: Here,
): BlockAck | undefined {
  const [, transferId, block] = /^([0-9a-f]{32})\/(\d{1,7})$/.exec(key) ?? [];
  const { file_name, sender } = (parseJson(header ?? '') ?? {}) as Partial<BlockAck>;
  const named = blockAckSchema.safeParse({
    file_name,
    sender,
    transfer_id: transferId,
    block_number: Number(block),
    machine_id: machineId,
    success: false,
    timestamp: nowMs / 1_000,
    reason: inert(reason.slice(0, reasonCharsMax)),
  });
  return named.data;
}

function commonOf(chunk: BlockChunk, { machineId, nowMs }: Here) {
  return {
    file_name: chunk.file_name,
    block_number: chunk.block_number,
    machine_id: machineId,
    timestamp: nowMs / 1_000,
    transfer_id: chunk.transfer_id,
    sender: chunk.sender,
    total_blocks: chunk.total_blocks,
    block_size_bytes: chunk.end_offset - chunk.start_offset,
    file_size_bytes: chunk.file_size_bytes,
  };
}
