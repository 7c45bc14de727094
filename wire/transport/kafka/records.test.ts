import * as library from '@platformatic/kafka';
import { expect, it } from 'vitest';
import { readRecords as readRecordsFrom } from './records.ts';

const headBytes = 61;

/** Of a batch whose first record has offset 0 and time 1,000. */
function readRecords(bytes: Buffer, count: number, fromOffset = 0) {
  const place = { topic: 't', partition: 0, firstOffset: 0 };
  const head = { ...place, firstTimestampMs: 1_000, brokersMs: undefined, release: undefined };
  return readRecordsFrom(bytes, count, head, fromOffset);
}

interface Message {
  readonly key?: string;
  readonly value?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timestamp?: bigint;
}

/** The records of a batch as the library writes them. */
function recordsOf(messages: readonly Message[]): Buffer {
  const made = messages.map(({ key, value, headers = {}, timestamp }) => ({
    topic: 't',
    key: key === undefined ? undefined : Buffer.from(key),
    value: value === undefined ? undefined : Buffer.from(value),
    headers: new Map(
      Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)]),
    ),
    timestamp,
  }));
  const { buffer } = library.createRecordsBatch(made as never, {});
  return Buffer.from(buffer).subarray(headBytes);
}

function texts(headers: ReadonlyMap<string, Buffer>): Record<string, string> {
  return Object.fromEntries([...headers].map(([name, text]) => [name, text.toString()]));
}

it('records come out as they were written, with the headers of each', () => {
  const messages: Message[] = [
    { key: 'a', value: 'x'.repeat(100_000), headers: { one: '1' }, timestamp: 1_000n },
    { key: '', value: '', headers: { one: '1' }, timestamp: 1_000_001_000n },
    { headers: { one: '2', other: '' }, timestamp: 999n },
    { value: 'é', timestamp: 1_000n },
    { value: 'é', headers: { one: '1' }, timestamp: 1_000n },
  ];
  const records = readRecords(recordsOf(messages), messages.length);
  expect(
    records.map(({ key, value, headers, timeMs, offset }) => ({
      offset,
      key: key?.toString(),
      value: value?.toString(),
      headers: texts(headers),
      timestamp: BigInt(timeMs),
    })),
  ).toEqual(
    messages.map(({ key, value, headers = {}, timestamp }, offset) => ({
      offset,
      key,
      value,
      headers,
      timestamp,
    })),
  );
});

it("a time far from the batch's first one is read whole", () => {
  // 2⁴¹, zigzag, as 7 bits a byte.
  const delta = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
  const bytes = Buffer.from([2 * 12, 0, ...delta, 0, 1, 1, 0]);
  expect(readRecords(bytes, 1)[0]?.timeMs).toBe(1_000 + 2 ** 41);
});

it('records with the same headers share them, so that many cost little', () => {
  const headers = { 'windrow-batch': '{}' };
  const messages = Array.from({ length: 3 }, (_, i) => ({ value: `${i}`, headers }));
  const [first, ...others] = readRecords(recordsOf(messages), 3);
  for (const other of others) expect(other.headers).toBe(first?.headers);
});

it.each([
  ['fewer records than are told', recordsOf([{ value: 'a' }]), 2],
  ['a record that is cut off', recordsOf([{ value: 'abc' }]).subarray(0, -2), 1],
  ['a length below zero', Buffer.from([0x03]), 1],
  ['a value beyond its batch', Buffer.from([12, 0, 0, 0, 1, 126, 0]), 1],
  ['a number without end', Buffer.alloc(20, 0xff), 1],
  ['headers without end', Buffer.from([12, 0, 0, 0, 1, 1, 126]), 1],
])('%s are told as what they are', (_, bytes, count) => {
  expect(() => readRecords(bytes, count)).toThrow(RangeError);
});

/** As many records, each with as many headers of its own. */
function withHeaders(records: number, headers: number): Buffer {
  return Buffer.concat(
    Array.from({ length: records }, (_, i) => {
      const header = Buffer.from([2, 97 + (i % 2), 1]);
      const all = Array.from({ length: headers }, () => header);
      const count = headers < 64 ? [headers * 2] : [((headers * 2) & 0x7f) | 0x80, headers >> 6];
      const body = Buffer.concat([Buffer.from([0, 0, 0, 1, 1, ...count]), ...all]);
      const length = body.length * 2;
      return Buffer.concat([Buffer.from([(length & 0x7f) | 0x80, length >> 7]), body]);
    }),
  );
}

it('a bomb of headers is refused, be they of one record or of many', () => {
  expect(readRecords(withHeaders(2, 64), 2)).toHaveLength(2);
  expect(() => readRecords(withHeaders(1, 65), 1)).toThrow('a record has more than 64 headers');
  const much = withHeaders(3_126, 64);
  expect(readRecords(much, 3_125)).toHaveLength(3_125);
  expect(() => readRecords(much, 3_126)).toThrow('a batch has more than 200000 headers');
});
