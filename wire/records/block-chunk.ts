/**
 * A chunk of a block of a file: one record on `data-blocks`, or one request of the direct transport.
 *
 * Its payload is the record's value, all else is JSON in the header `windrow-chunk`. The key is the
 * block's, so that all chunks of a block come in one partition, in their order. The last chunk
 * carries the block's SHA-256. Numbers that follow from others are sent all the same: whoever reads
 * one record knows where its bytes belong, and a sender that miscounts is found out here.
 */
import { z } from 'zod';
import {
  blockBytesMax,
  blockBytesMin,
  blocksMax,
  chunkHeaderBytesMax,
  fileNameBytesMax,
  filePathBytesMax,
  rawChunkBytes,
  workBytesMax,
  workMsMax,
} from '../limits.ts';
import { WIRE_VERSION } from '../version.ts';
import { blockCount, blockSpan, chunkCount, chunkSpan } from './block-shape.ts';
import { serverId, timestampMs } from './fields.ts';
import { explain, parseJson } from './json.ts';

export const DATA_BLOCKS_TOPIC = 'data-blocks';
export const CHUNK_HEADER = 'windrow-chunk';

const whole = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** As the sender's file system has it: no path to be used as one. */
const text = (bytesMax: number) =>
  z
    .string()
    .min(1)
    .refine((value) => Buffer.byteLength(value) <= bytesMax, `has more than ${bytesMax} bytes`);

export const fileName = text(fileNameBytesMax);
export const transferId = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hex digits');
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits');

/** Of the sender's program, whichever that is. */
const engine = z.string().regex(/^[a-z0-9-]{1,32}$/, 'must be a name of lower-case letters');

const stageMs = z.number().min(0).max(workMsMax);
/** By the clock, and of the CPU, of all threads. */
const stageTime = z.object({ ms: stageMs, cpu_ms: stageMs });
/** What the sender's threads have done since it told this before, for whichever blocks. */
const senderWork = z.object({
  read_bytes: whole.max(workBytesMax),
  read: stageTime,
  hash: stageTime,
  compress: stageTime,
});

export type SenderWork = z.infer<typeof senderWork>;

export const blockChunkSchema = z.object({
  v: z.literal(WIRE_VERSION),
  transfer_id: transferId,
  /** The machine that sends. */
  sender: serverId,
  /** The path's last part. */
  file_name: fileName,
  /** Relative to what was sent, with `/` between folders. */
  path: text(filePathBytesMax),
  file_size_bytes: whole,
  /** Of every block but the last. */
  block_bytes: z.number().int().min(blockBytesMin).max(blockBytesMax),
  total_blocks: z.number().int().min(1).max(blocksMax),
  /** From 0. */
  block_number: whole,
  /** In the file, bytes; the end is exclusive. */
  start_offset: whole,
  end_offset: whole,
  /** Number of this chunk in its block, from 0. */
  chunk: whole,
  /** Bytes of the file in this chunk, before compression. */
  raw_bytes: z.number().int().min(0).max(rawChunkBytes),
  encoding: z.enum(['raw', 'lz4']),
  /** Of the payload as it is sent. */
  crc32: z.string().regex(/^[0-9a-f]{8}$/, 'must be 8 hex digits'),
  sent_at: timestampMs,
  /** In the last chunk of a block, and only there: of the whole block's bytes, by what they were hashed, and what that took. */
  last: z.object({ sha256, engine: engine.optional(), work: senderWork.optional() }).optional(),
});

export type BlockChunk = z.infer<typeof blockChunkSchema>;

/** Of all chunks of a block. */
export function chunkKey({ transfer_id, block_number }: BlockChunk): string {
  return `${transfer_id}/${block_number}`;
}

/** ASCII alone, as an HTTP header takes nothing else; the same text on Kafka. */
export function encodeChunkHeader(chunk: BlockChunk): string {
  return JSON.stringify(chunk).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export type DecodedChunk =
  | { readonly kind: 'chunk'; readonly chunk: BlockChunk }
  | { readonly kind: 'malformed'; readonly reason: string };

/**
 * Never throws. The payload's checksum is not looked at: that is for whoever takes it apart.
 * @param key of the record; the direct transport has none
 */
export function decodeChunk(record: {
  readonly header: string | undefined;
  readonly payloadBytes: number;
  readonly key?: string;
}): DecodedChunk {
  const { header, payloadBytes, key } = record;
  if (header === undefined) return malformed(`has no header ${CHUNK_HEADER}`);
  if (Buffer.byteLength(header) > chunkHeaderBytesMax) {
    return malformed(`header is longer than ${chunkHeaderBytesMax} bytes`);
  }
  const parsed = blockChunkSchema.safeParse(parseJson(header));
  if (!parsed.success) return malformed(explain(parsed.error));
  const chunk = parsed.data;
  const fault = faultOf(chunk, payloadBytes);
  if (fault !== undefined) return malformed(fault);
  if (key !== undefined && key !== chunkKey(chunk)) return malformed("the key is not the block's");
  return { kind: 'chunk', chunk };
}

/** Which field contradicts the others. */
function faultOf(chunk: BlockChunk, payloadBytes: number): string | undefined {
  const file = { sizeBytes: chunk.file_size_bytes, blockBytes: chunk.block_bytes };
  const blocks = blockCount(file.sizeBytes, file.blockBytes);
  if (chunk.total_blocks !== blocks) return `total_blocks: must be ${blocks}`;
  if (chunk.block_number >= blocks) return `block_number: must be below ${blocks}`;
  const block = blockSpan(file, chunk.block_number);
  if (chunk.start_offset !== block.start) return `start_offset: must be ${block.start}`;
  if (chunk.end_offset !== block.end) return `end_offset: must be ${block.end}`;
  const blockSizeBytes = block.end - block.start;
  const chunks = chunkCount(blockSizeBytes);
  if (chunk.chunk >= chunks) return `chunk: must be below ${chunks}`;
  const { start, end } = chunkSpan(blockSizeBytes, chunk.chunk);
  if (chunk.raw_bytes !== end - start) return `raw_bytes: must be ${end - start}`;
  const isLast = chunk.chunk === chunks - 1;
  if (isLast !== (chunk.last !== undefined)) {
    return isLast ? 'last: is missing in the last chunk' : 'last: is not the last chunk';
  }
  const isStored = chunk.encoding === 'raw';
  if (isStored && payloadBytes !== chunk.raw_bytes) {
    return `raw_bytes: the payload has ${payloadBytes} bytes`;
  }
  // What does not get smaller is sent as it is, so that no payload is above the limit.
  if (!isStored && (payloadBytes === 0 || payloadBytes >= chunk.raw_bytes)) {
    return `encoding: lz4 made ${payloadBytes} bytes of ${chunk.raw_bytes}`;
  }
  return undefined;
}

function malformed(reason: string): DecodedChunk {
  return { kind: 'malformed', reason: `chunk: ${reason}` };
}
