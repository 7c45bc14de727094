/** A receiver of blocks in memory, which does what a test tells it to. It shares no code with the real one. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import lz4 from 'lz4-napi';
import type { BlockAck } from '../../../wire/records/block-ack.ts';
import {
  type BlockChunk,
  chunkKey,
  decodeChunk,
  encodeChunkHeader,
} from '../../../wire/records/block-chunk.ts';
import type { BlockCarrier, OutgoingChunk, Taken } from '../../../wire/transport/block-port.ts';

/** Answers in the receiver's place, or throws; undefined leaves it to the receiver. */
export type Fault = (record: BlockChunk) => Taken | undefined;

export class MemoryReceiver implements BlockCarrier {
  readonly target = 'memory';
  /** `path/block` → its bytes, of the version that came last. */
  readonly stored = new Map<string, Buffer>();
  /** Of every chunk that came. */
  readonly seen: BlockChunk[] = [];
  fault: Fault = () => undefined;
  /** By key of the block. */
  readonly #open = new Map<string, Buffer[]>();
  readonly #acks = new Map<string, BlockAck>();

  async send({ record, payload }: OutgoingChunk, signal: AbortSignal): Promise<Taken> {
    signal.throwIfAborted();
    this.seen.push(record);
    return this.fault(record) ?? this.#take(record, Buffer.from(payload));
  }

  async close(): Promise<void> {}

  /** What it had of a block that was not whole is gone, as when it starts again. */
  forgetOpen(record: BlockChunk): void {
    this.#open.delete(chunkKey(record));
  }

  #take(record: BlockChunk, payload: Buffer): Taken {
    const decoded = decodeChunk({
      header: encodeChunkHeader(record),
      payloadBytes: payload.length,
    });
    if (decoded.kind === 'malformed') throw new Error(decoded.reason);
    const key = chunkKey(record);
    const stored = this.#acks.get(key);
    if (stored !== undefined)
      return { nextChunk: record.chunk + 1, ack: { ...stored, duplicate: true } };
    const pieces = this.#open.get(key) ?? [];
    this.#open.set(key, pieces);
    if (record.chunk === pieces.length) pieces.push(rawOf(record, payload));
    if (record.last === undefined || pieces.length <= record.chunk)
      return { nextChunk: pieces.length };
    this.#open.delete(key);
    return { nextChunk: pieces.length, ack: this.#store(record, Buffer.concat(pieces)) };
  }

  #store(record: BlockChunk, bytes: Buffer): BlockAck {
    const checksum = createHash('sha256').update(bytes).digest('hex');
    const ack = ackOf(record, checksum === record.last?.sha256, checksum);
    if (ack.success) {
      this.#acks.set(chunkKey(record), ack);
      this.stored.set(`${record.path}/${record.block_number}`, bytes);
    }
    return ack;
  }
}

export function ackOf(record: BlockChunk, success: boolean, checksum?: string): BlockAck {
  return {
    file_name: record.file_name,
    block_number: record.block_number,
    machine_id: 'receiver',
    success,
    timestamp: 1,
    transfer_id: record.transfer_id,
    ...(checksum === undefined ? {} : { checksum }),
    ...(success ? {} : { reason: 'not good' }),
  };
}

function rawOf({ encoding, crc32: checksum }: BlockChunk, payload: Buffer): Buffer {
  if (crc32(payload) !== Number.parseInt(checksum, 16)) throw new Error('damaged on the way');
  return encoding === 'raw' ? payload : lz4.decompressFrameSync(payload);
}
