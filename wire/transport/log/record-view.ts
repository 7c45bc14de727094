/** A record within larger memory: who reads it there makes nothing of it. */
import type { LogRecord } from './port.ts';

/** Where a key or a value begins that is not there: before the first byte. */
export const absent = -1;
const nothing = Buffer.alloc(0);

export type RecordFields = Omit<LogRecord, 'key' | 'value'> & {
  /** All that it lies in. */
  readonly bytes: Buffer;
  readonly keyFrom: number;
  readonly keyTo: number;
  readonly valueFrom: number;
  readonly valueTo: number;
};

/** Its key and its value are made each time they are asked for. */
export class RecordView implements LogRecord, RecordFields {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timeMs: number;
  readonly headers: ReadonlyMap<string, Buffer>;
  readonly release: (() => void) | undefined;
  readonly bytes: Buffer;
  readonly keyFrom: number;
  readonly keyTo: number;
  readonly valueFrom: number;
  readonly valueTo: number;

  constructor(fields: RecordFields) {
    this.topic = fields.topic;
    this.partition = fields.partition;
    this.offset = fields.offset;
    this.timeMs = fields.timeMs;
    this.headers = fields.headers;
    this.release = fields.release;
    this.bytes = fields.bytes;
    this.keyFrom = fields.keyFrom;
    this.keyTo = fields.keyTo;
    this.valueFrom = fields.valueFrom;
    this.valueTo = fields.valueTo;
  }

  /** One whose key and value do not lie in the same memory is copied. */
  static of(record: LogRecord): RecordView {
    if (record instanceof RecordView) return record;
    const { topic, partition, offset, timeMs, headers, release, key, value } = record;
    const keyTo = key?.length ?? 0;
    return new RecordView({
      topic,
      partition,
      offset,
      timeMs,
      headers,
      release,
      bytes: Buffer.concat([key ?? nothing, value ?? nothing]),
      keyFrom: key === undefined ? absent : 0,
      keyTo,
      valueFrom: value === undefined ? absent : keyTo,
      valueTo: keyTo + (value?.length ?? 0),
    });
  }

  get key(): Buffer | undefined {
    return this.#part(this.keyFrom, this.keyTo);
  }

  get value(): Buffer | undefined {
    return this.#part(this.valueFrom, this.valueTo);
  }

  #part(from: number, to: number): Buffer | undefined {
    if (from === absent) return undefined;
    // Nothing is left of what was released.
    return this.bytes.length === 0 ? nothing : this.bytes.subarray(from, to);
  }
}
