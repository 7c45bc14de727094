import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { batchRecordsMax, recordBytesMax } from '../limits.ts';
import { encodeBatch } from './batch.ts';
import { BatchFormatError, decodeBatch } from './batch-decode.ts';

const header = { v: 1, sent_at: 1_700_000_000_000 } as const;
const headerLine = JSON.stringify(header);

const records = fc.array(
  fc.record({
    topic: fc.option(fc.string(), { nil: undefined }),
    key: fc.option(fc.string(), { nil: undefined }),
    timeMs: fc.option(fc.nat(), { nil: undefined }),
    value: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  }),
);

it('what is encoded is decoded', () => {
  fc.assert(
    fc.property(records, (sent) => {
      const decoded = decodeBatch(encodeBatch({ header, records: sent }));
      expect(decoded.header).toEqual(header);
      expect(decoded.records).toEqual(sent);
      expect(decoded.malformed).toEqual([]);
    }),
  );
});

it('no text makes the decoder throw anything but its own error', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string().map((tail) => `${headerLine}\n${tail}`),
  );
  fc.assert(
    fc.property(text, (body) => {
      try {
        decodeBatch(body);
      } catch (error) {
        expect(error).toBeInstanceOf(BatchFormatError);
      }
    }),
  );
});

it('bytes lost or changed on the way cost only the records they hit', () => {
  const whole = encodeBatch({ header, records: [{ value: { a: 1 } }, { value: { b: 2 } }] });
  const body = whole.length - whole.indexOf('\n') - 1;
  fc.assert(
    fc.property(fc.nat({ max: body - 1 }), fc.string({ maxLength: 3 }), (at, junk) => {
      const cut = whole.length - body + at;
      const decoded = decodeBatch(whole.slice(0, cut) + junk + whole.slice(cut + 1));
      expect(decoded.header).toEqual(header);
    }),
  );
});

it('a malformed line is kept with its reason and the others count', () => {
  const lines = [
    '{"value":1}',
    'no json',
    '[]',
    '{"topic":5,"value":1}',
    '{"key":"k"}',
    '{"time":-1,"value":1}',
    '{"value":2}',
  ];
  const decoded = decodeBatch(`${headerLine}\n${lines.join('\n')}`);
  expect(decoded.records.map(({ value }) => value)).toEqual([1, 2]);
  expect(decoded.malformed).toEqual([
    { line: 'no json', reason: 'not JSON' },
    { line: '[]', reason: 'not a JSON object' },
    { line: '{"topic":5,"value":1}', reason: 'topic is not a string' },
    { line: '{"key":"k"}', reason: 'no value' },
    { line: '{"time":-1,"value":1}', reason: 'time is no epoch ms' },
  ]);
});

it('a record over the limit is malformed and kept short', () => {
  const huge = JSON.stringify({ value: 'x'.repeat(recordBytesMax) });
  const [first] = decodeBatch(`${headerLine}\n${huge}`).malformed;
  expect(first?.reason).toMatch(/longer than/);
  expect(first?.line).toHaveLength(1_000);
});

it('more records than the limit refuse the batch', () => {
  const body = `${headerLine}\n${'{"value":1}\n'.repeat(batchRecordsMax + 1)}`;
  expect(() => decodeBatch(body)).toThrow(BatchFormatError);
});

it.each([
  ['', /batch header/],
  ['{"v":0,"sent_at":1}', /batch header v/],
  ['{"v":"2","sent_at":1}', /batch header v/],
  ['{"v":2}', /version 2 of the wire, this program knows 1/],
  ['{"v":1}', /batch header sent_at/],
  ['{"v":1,"sent_at":1,"server_id":"a\\u0000b"}', /batch header server_id/],
])('the header %j is refused by name', (text, message) => {
  expect(() => decodeBatch(text)).toThrow(message);
});
