import fc from '../../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { batchRecordsMax, recordBytesMax } from '../../limits.ts';
import { decodeRecord } from '../../records/decode.ts';
import { PlainSample } from '../../records/plain-bytes.ts';
import { BATCH_HEADER } from '../../records/record.ts';
import { batchesOf } from './batches.ts';
import type { LogRecord } from './port.ts';
import { absent, RecordView } from './record-view.ts';

const nowMs = Date.UTC(2026, 0, 1);
const headerText = JSON.stringify({ v: 1, sent_at: nowMs, server_id: 's', boot_id: 'b' });

interface Given {
  readonly offset?: number;
  readonly topic?: string;
  readonly partition?: number;
  readonly key?: string | null;
  readonly value?: string | Buffer | null;
  readonly header?: string | null;
  readonly timeMs?: number;
}

function record(given: Given = {}): LogRecord {
  const { topic = 'windrow-samples', partition = 0, offset = 0, timeMs = nowMs } = given;
  const { key = 's', value = '{"server_id":"s"}', header = headerText } = given;
  return {
    topic,
    partition,
    offset,
    timeMs,
    key: key === null ? undefined : Buffer.from(key),
    value: value === null ? undefined : Buffer.from(value),
    headers: new Map(header === null ? [] : [[BATCH_HEADER, Buffer.from(header)]]),
  };
}

/** As a broker gives it: among others in one memory. */
function viewed(record: LogRecord): RecordView {
  const { bytes, keyFrom, keyTo, valueFrom, valueTo } = RecordView.of(record);
  const at = (place: number): number => (place === absent ? absent : place + 2);
  return new RecordView({
    ...record,
    release: undefined,
    bytes: Buffer.concat([Buffer.from('{"'), bytes, Buffer.from('0"}')]),
    keyFrom: at(keyFrom),
    keyTo: keyTo + 2,
    valueFrom: at(valueFrom),
    valueTo: valueTo + 2,
  });
}

/** The reason why this record alone is malformed. */
function reasonOf(given: Given): string | undefined {
  const [only] = batchesOf([record(given)]);
  return only?.batch.malformed[0]?.reason;
}

/** Of a server named s. */
const plainText = '{"v":1,"server_id":"s","ts":1,"boot_id":"b","seq":0}';

describe('batchesOf', () => {
  it('what was sent together is one batch again, with its header, order and places', () => {
    const batches = [
      ...batchesOf([
        record({ offset: 4, value: '{"server_id":"s","n":1}' }),
        record({ offset: 5, value: '{"server_id":"s","n":2}', timeMs: nowMs + 1 }),
      ]),
    ];
    const place = { topic: 'windrow-samples', partition: 0 };
    expect(batches).toEqual([
      {
        ...place,
        nextOffset: 6,
        batch: {
          header: JSON.parse(headerText) as unknown,
          records: [
            {
              topic: 'windrow-samples',
              key: 's',
              value: { server_id: 's', n: 1 },
              timeMs: nowMs,
              place: { ...place, offset: 4 },
            },
            {
              topic: 'windrow-samples',
              key: 's',
              value: { server_id: 's', n: 2 },
              timeMs: nowMs + 1,
              place: { ...place, offset: 5 },
            },
          ],
          malformed: [],
        },
      },
    ]);
  });

  it.each([
    ['another header', { header: `${headerText} ` }],
    ['no header', { header: null }],
    ['another partition', { partition: 1 }],
    ['another topic', { topic: 'windrow-inventory' }],
  ])('%s begins another batch', (_, other) => {
    expect([...batchesOf([record(), record(other), record()])]).toHaveLength(3);
  });

  it('a plain sample is read where it lies, without its JSON', () => {
    const given = record({ value: plainText });
    for (const one of [given, viewed(given)]) {
      const [only] = batchesOf([one]);
      expect(only?.batch.records[0]?.value).toBeInstanceOf(PlainSample);
    }
  });

  it('a batch has no more records than one over HTTP', () => {
    const many = Array.from({ length: batchRecordsMax + 1 }, (_, offset) => record({ offset }));
    const counts = [...batchesOf(many)].map(({ batch }) => batch.records.length);
    expect(counts).toEqual([batchRecordsMax, 1]);
  });

  it('records of other systems are sent when the last of them was, by nobody in particular', () => {
    const value = '{"cpu_pct":1}';
    const header = null;
    const [only] = batchesOf([
      record({ topic: 'topic-cpu', value, header, timeMs: 5 }),
      record({ topic: 'topic-cpu', value, header, timeMs: 7 }),
    ]);
    expect(only?.batch.header).toEqual({ v: 1, sent_at: 7 });
    expect(only?.batch.records.map(({ timeMs }) => timeMs)).toEqual([5, 7]);
  });

  it.each<[string, Given, string]>([
    ['not JSON', { value: '{' }, 'not JSON'],
    ['tombstone', { value: null }, 'tombstone: it has no value'],
    ['too large', { value: Buffer.alloc(10_000_000, '"') }, `longer than ${recordBytesMax} bytes`],
    [
      'a number of too many digits',
      { value: plainText.replace('}', `,"cpu_pct":1.${'0'.repeat(recordBytesMax)}}`) },
      `longer than ${recordBytesMax} bytes`,
    ],
    ['no key', { key: null }, 'no key: it must be the server_id'],
    ['empty key', { key: '' }, 'no key: it must be the server_id'],
    ['key of another server', { key: 'other' }, 'key is not the server_id'],
    ['key of another, plain', { key: 't', value: plainText }, 'key is not the server_id'],
    ['key that goes on', { key: 's2', value: plainText }, 'key is not the server_id'],
    ['endless key', { key: 'k'.repeat(10_000) }, 'key longer than 512 bytes'],
    ['header that is not JSON', { header: '{' }, 'batch header: Invalid input'],
    ['unknown version', { header: '{"v":2,"sent_at":1}' }, 'a batch of version 2 of the wire'],
    ['endless header', { header: ' '.repeat(10_000) }, 'batch header longer than 4096 bytes'],
  ])('poison (%s) is put aside with reason and place', (_, given, reason) => {
    expect(reasonOf(given)).toContain(reason);
    const [only] = batchesOf([record({ ...given, partition: 3, offset: 9 })]);
    expect(only?.batch.records).toEqual([]);
    expect(only?.batch.malformed[0]).toMatchObject({
      place: { topic: 'windrow-samples', partition: 3, offset: 9 },
    });
    expect(only?.batch.malformed[0]?.line.length).toBeLessThanOrEqual(1_000);
  });

  it.each<[string, Given]>([
    ["a replay's end, which is of no one server", { key: null, value: '{"kind":"end"}' }],
    ['a topic that promises no key', { topic: 'system_metrics', key: null, value: '{}' }],
  ])('no key is needed: %s', (_, given) => {
    expect(reasonOf(given)).toBeUndefined();
  });

  it('whatever comes, every record is in exactly one place, and nothing throws', () => {
    const json = fc.oneof(fc.json(), fc.constantFrom(plainText, `${plainText} `));
    const text = fc.oneof(json, fc.string({ unit: 'binary', maxLength: 30 }));
    const headers = fc.oneof(
      fc.constant(null),
      fc.constant(headerText),
      text,
      fc.constant('{"v":1,"sent_at":1e999}'),
    );
    const given = fc.record({
      topic: fc.constantFrom('windrow-samples', 'windrow-inventory', 'topic-cpu', 'x'),
      partition: fc.integer({ min: 0, max: 2 }),
      key: fc.oneof(fc.constant(null), fc.constant('s'), text),
      value: fc.oneof(
        fc.constant(null),
        text,
        fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      ),
      header: headers,
      timeMs: fc.oneof(fc.integer(), fc.double()),
    });
    fc.assert(
      fc.property(fc.array(given, { maxLength: 12 }), (all) => {
        const records = all.map((one, offset) => record({ ...one, offset }));
        const batches = [...batchesOf(records)];
        const offsets = batches.flatMap(({ batch }) =>
          [...batch.records, ...batch.malformed].map(({ place }) => place?.offset),
        );
        expect(offsets.sort((a, b) => Number(a) - Number(b))).toEqual(records.map((_, i) => i));
        for (const { batch } of batches) {
          expect(Number.isSafeInteger(batch.header.sent_at)).toBe(true);
          for (const raw of batch.records) decodeRecord(raw, nowMs);
        }
        expect([...batchesOf(records.map(viewed))]).toEqual(batches);
      }),
      { numRuns: 500 },
    );
  });
});
