/**
 * Takes the records of a batch apart (Kafka's record format, version 2). Of all that a collector does
 * with a record this comes first and each time, so it makes one object of each: what was sent together
 * shares its headers, and key and value stay where they are.
 */
import { absent, type RecordFields, RecordView } from '../log/record-view.ts';

/** What a batch says of all its records. */
export interface RecordsHead {
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly firstTimestampMs: number;
  /** The broker's time, which all have then; undefined: each has its own. */
  readonly brokersMs: number | undefined;
  /** Of each record. */
  readonly release: (() => void) | undefined;
}

/** Headers of one record; those of traces and of our batches are some five. */
const recordHeadersMax = 64;
/**
 * Headers of one batch that are not those of the record before: two for each of as many records as a
 * batch may hold. Each takes some 200 bytes, fifty times what it takes in the batch.
 */
const batchHeadersMax = 200_000;
/** Of a record; none is in use yet. */
const attributesBytes = 1;
const nothing = Buffer.alloc(0);

/**
 * All of them are read, and those from this offset on given: a batch comes whole, though reading begins within it.
 * @throws RangeError when they do not fit in these bytes, or have more headers than anybody sends
 */
export function readRecords(
  bytes: Buffer,
  count: number,
  head: RecordsHead,
  fromOffset: number,
): RecordView[] {
  const reader = new RecordsReader(bytes, head);
  const records: RecordView[] = [];
  for (let left = count; left > 0; left -= 1) {
    reader.next();
    if (reader.offset >= fromOffset) records.push(new RecordView(reader));
  }
  return records;
}

/** What it has read of the record that it is at, of which a view is made. */
class RecordsReader implements RecordFields {
  readonly topic: string;
  readonly partition: number;
  readonly release: (() => void) | undefined;
  readonly bytes: Buffer;
  offset = 0;
  timeMs = 0;
  headers: ReadonlyMap<string, Buffer> = new Map();
  keyFrom = 0;
  keyTo = 0;
  valueFrom = 0;
  valueTo = 0;
  readonly #head: RecordsHead;
  #at = 0;
  /** Where the headers lie that were read last. */
  #headersFrom = 0;
  #headersTo = 0;
  #headersLeft = batchHeadersMax;

  constructor(bytes: Buffer, head: RecordsHead) {
    this.topic = head.topic;
    this.partition = head.partition;
    this.release = head.release;
    this.bytes = bytes;
    this.#head = head;
  }

  /** Reads the next one. */
  next(): void {
    const length = this.#varint();
    const end = this.#at + length;
    if (length < attributesBytes || end > this.bytes.length) throw beyond();
    this.#at += attributesBytes;
    this.timeMs = this.#timeMs(this.#varint());
    this.offset = this.#head.firstOffset + this.#varint();
    this.keyFrom = this.#bytesFrom();
    this.keyTo = this.#at;
    this.valueFrom = this.#bytesFrom();
    this.valueTo = this.#at;
    this.#headersUntil(end);
    this.#at = end;
  }

  #timeMs(delta: number): number {
    const { brokersMs, firstTimestampMs } = this.#head;
    const ms = brokersMs ?? firstTimestampMs + delta;
    return ms < 0 ? Date.now() : ms;
  }

  #headersUntil(end: number): void {
    const { bytes } = this;
    const from = this.#at;
    const isSame = bytes.compare(bytes, this.#headersFrom, this.#headersTo, from, end) === 0;
    if (!isSame) this.headers = this.#readHeaders();
    this.#headersFrom = from;
    this.#headersTo = end;
  }

  #readHeaders(): ReadonlyMap<string, Buffer> {
    const headers = new Map<string, Buffer>();
    const count = this.#varint();
    if (count > recordHeadersMax) throw tooMany('record', recordHeadersMax);
    this.#headersLeft -= count;
    if (this.#headersLeft < 0) throw tooMany('batch', batchHeadersMax);
    for (let left = count; left > 0; left -= 1) {
      const name = this.#readBytes();
      headers.set(name.toString(), this.#readBytes());
    }
    return headers;
  }

  #readBytes(): Buffer {
    const from = this.#bytesFrom();
    return from === absent ? nothing : this.bytes.subarray(from, this.#at);
  }

  /** @returns where they begin, `absent` where there are none; they end where it reads on */
  #bytesFrom(): number {
    const length = this.#varint();
    if (length === absent) return absent;
    const from = this.#at;
    this.#at += length;
    if (length < 0 || this.#at > this.bytes.length) throw beyond();
    return from;
  }

  /** A zigzag number of 64 bits at most: those of a clock are far below what a double holds. */
  #varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.#at];
      if (byte === undefined || scale > 2 ** 63) throw new RangeError('a number has no end');
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
  }
}

function beyond(): RangeError {
  return new RangeError('a record goes beyond its batch');
}

function tooMany(of: 'record' | 'batch', headersMax: number): RangeError {
  return new RangeError(`a ${of} has more than ${headersMax} headers`);
}
