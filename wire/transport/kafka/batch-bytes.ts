/**
 * Writes a batch of records as brokers keep it (`batch-layout.ts`), not compressed.
 * The library makes some thirty small buffers of each record, and writes a wrong time for one that is
 * 2³¹ ms or more from the first one of its batch.
 */
import type { MessageRecord } from '@platformatic/kafka';
import * as layout from './batch-layout.ts';

/** What the broker counts records by, and who wrote them. */
export interface BatchWriter {
  readonly producerId: bigint | undefined;
  readonly producerEpoch: number | undefined;
  /** Of the first record. */
  readonly sequence: number;
}

export function batchBytesOf(records: readonly MessageRecord[]): number {
  const firstMs = timeMsOf(records[0]);
  let bytes = layout.headBytes;
  for (const [i, record] of records.entries()) {
    const ofRecord = bytesOf(record, i, firstMs);
    bytes += varintBytes(zigzag(ofRecord)) + ofRecord;
  }
  return bytes;
}

/**
 * @param batch as many bytes as `batchBytesOf` tells
 * @param checksum CRC-32C
 */
export function writeBatch(
  batch: Buffer,
  records: readonly MessageRecord[],
  { producerId = -1n, producerEpoch = 0, sequence }: BatchWriter,
  checksum: (bytes: Buffer) => number,
): void {
  const firstMs = timeMsOf(records[0]);
  const lastMs = records.reduce((latest, record) => Math.max(latest, timeMsOf(record)), firstMs);
  batch.fill(0, 0, layout.headBytes);
  batch.writeInt32BE(batch.length - layout.uncountedBytes, layout.lengthAt);
  batch[layout.magicAt] = layout.magic;
  batch.writeInt32BE(records.length - 1, layout.lastOffsetDeltaAt);
  batch.writeBigInt64BE(BigInt(firstMs), layout.firstTimestampAt);
  batch.writeBigInt64BE(BigInt(lastMs), layout.maxTimestampAt);
  batch.writeBigInt64BE(producerId, layout.producerIdAt);
  batch.writeInt16BE(producerEpoch, layout.producerEpochAt);
  batch.writeInt32BE(sequence, layout.sequenceAt);
  batch.writeInt32BE(records.length, layout.recordsCountAt);
  let at = layout.headBytes;
  for (const [i, record] of records.entries()) at = writeRecord(batch, at, { record, i, firstMs });
  batch.writeUInt32BE(checksum(batch.subarray(layout.attributesAt)), layout.checksumAt);
}

/** @returns where the next one begins */
function writeRecord(
  batch: Buffer,
  from: number,
  { record, i, firstMs }: { record: MessageRecord; i: number; firstMs: number },
): number {
  const { key, value, headers } = record;
  let at = writeVarint(batch, from, zigzag(bytesOf(record, i, firstMs)));
  batch[at] = 0;
  at = writeVarint(batch, at + 1, zigzag(timeMsOf(record) - firstMs));
  at = writeVarint(batch, at, zigzag(i));
  at = writeField(batch, at, key);
  at = writeField(batch, at, value);
  at = writeVarint(batch, at, zigzag(headers?.size ?? 0));
  for (const [name, content] of headers ?? []) {
    at = writeField(batch, at, name);
    at = writeField(batch, at, content);
  }
  return at;
}

/** Behind its length. */
function bytesOf(record: MessageRecord, i: number, firstMs: number): number {
  const { key, value, headers } = record;
  const place = varintBytes(zigzag(timeMsOf(record) - firstMs)) + varintBytes(zigzag(i));
  let bytes = 1 + place + fieldBytes(key) + fieldBytes(value);
  bytes += varintBytes(zigzag(headers?.size ?? 0));
  for (const [name, content] of headers ?? []) bytes += fieldBytes(name) + fieldBytes(content);
  return bytes;
}

function timeMsOf(record: MessageRecord | undefined): number {
  return Number(record?.timestamp ?? 0n);
}

/** Null, of a tombstone, as −1. */
function fieldBytes(field: Buffer | null | undefined): number {
  return varintBytes(zigzag(field?.length ?? -1)) + (field?.length ?? 0);
}

function writeField(batch: Buffer, from: number, field: Buffer | null | undefined): number {
  const at = writeVarint(batch, from, zigzag(field?.length ?? -1));
  if (field == null) return at;
  batch.set(field, at);
  return at + field.length;
}

/** Small for what is near to 0, either way. Not by bits: a time does not fit into 32. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : value * -2 - 1;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest /= 128) bytes += 1;
  return bytes;
}

function writeVarint(batch: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    batch[at] = (rest % 128) | 128;
    at += 1;
  }
  batch[at] = rest;
  return at + 1;
}
