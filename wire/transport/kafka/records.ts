/**
 * Takes the records of a batch apart (Kafka's record format, version 2). Of all that a collector does
 * with a record this comes first and each time, so it makes few objects: what was sent together
 * shares its headers, and key and value are parts of the answer.
 */

export interface BatchRecord {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
  readonly key: Buffer | undefined;
  /** Undefined: a tombstone. */
  readonly value: Buffer | undefined;
  /** The last of each name counts. */
  readonly headers: ReadonlyMap<string, Buffer>;
}

/** Headers of one record; those of traces and of our batches are some five. */
const recordHeadersMax = 64;
/**
 * Headers of one batch that are not those of the record before: two for each of as many records as a
 * batch may hold. Each takes some 200 bytes, fifty times what it takes in the batch.
 */
const batchHeadersMax = 200_000;
const absent = -1;
/** Of a record; none is in use yet. */
const attributesBytes = 1;
const nothing = Buffer.alloc(0);

/** @throws RangeError when they do not fit in these bytes, or have more headers than anybody sends */
export function readRecords(bytes: Buffer, count: number): BatchRecord[] {
  const reader = new RecordsReader(bytes);
  const records: BatchRecord[] = [];
  while (records.length < count) records.push(reader.next());
  return records;
}

class RecordsReader {
  readonly #bytes: Buffer;
  #at = 0;
  #headers: ReadonlyMap<string, Buffer> = new Map();
  /** Where the headers lie that were read last. */
  #headersFrom = 0;
  #headersTo = 0;
  #headersLeft = batchHeadersMax;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(): BatchRecord {
    const length = this.#varint();
    const end = this.#at + length;
    if (length < attributesBytes || end > this.#bytes.length) throw beyond();
    this.#at += attributesBytes;
    const timestampDelta = this.#varint();
    const offsetDelta = this.#varint();
    const key = this.#bytesOrNone();
    const value = this.#bytesOrNone();
    const headers = this.#headersUntil(end);
    this.#at = end;
    return { offsetDelta, timestampDelta, key, value, headers };
  }

  #headersUntil(end: number): ReadonlyMap<string, Buffer> {
    const bytes = this.#bytes;
    const from = this.#at;
    const isSame = bytes.compare(bytes, this.#headersFrom, this.#headersTo, from, end) === 0;
    if (!isSame) this.#headers = this.#readHeaders();
    this.#headersFrom = from;
    this.#headersTo = end;
    return this.#headers;
  }

  #readHeaders(): ReadonlyMap<string, Buffer> {
    const headers = new Map<string, Buffer>();
    const count = this.#varint();
    if (count > recordHeadersMax) throw tooMany('record', recordHeadersMax);
    this.#headersLeft -= count;
    if (this.#headersLeft < 0) throw tooMany('batch', batchHeadersMax);
    for (let left = count; left > 0; left -= 1) {
      const name = this.#bytesOrNone() ?? nothing;
      headers.set(name.toString(), this.#bytesOrNone() ?? nothing);
    }
    return headers;
  }

  #bytesOrNone(): Buffer | undefined {
    const length = this.#varint();
    if (length === absent) return undefined;
    const from = this.#at;
    this.#at += length;
    if (length < 0 || this.#at > this.#bytes.length) throw beyond();
    return this.#bytes.subarray(from, this.#at);
  }

  /** A zigzag number of 64 bits at most: those of a clock are far below what a double holds. */
  #varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#at];
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
