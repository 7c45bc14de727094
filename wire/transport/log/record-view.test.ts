import { expect, it } from 'vitest';
import { absent, RecordView } from './record-view.ts';

const bytes = Buffer.from('.key.value.');
const fields = {
  topic: 't',
  partition: 1,
  offset: 2,
  timeMs: 3,
  headers: new Map([['name', Buffer.from('text')]]),
  release: undefined,
};

it.each([
  ['both', 'key', 'value'],
  ['no key', undefined, 'value'],
  ['an empty key', '', 'value'],
  ['a tombstone', 'key', undefined],
  ['an empty value', 'key', ''],
  ['neither', undefined, undefined],
])('a record with %s is the same when its parts are copied together', (_, key, value) => {
  const from = (text: string | undefined): number =>
    text === undefined ? absent : bytes.indexOf(text);
  const view = new RecordView({
    ...fields,
    bytes,
    keyFrom: from(key),
    keyTo: from(key) + (key?.length ?? 0),
    valueFrom: from(value),
    valueTo: from(value) + (value?.length ?? 0),
  });
  const bufferOf = (text: string | undefined): Buffer | undefined =>
    text === undefined ? undefined : Buffer.from(text);
  const given = { ...fields, key: bufferOf(key), value: bufferOf(value) };
  for (const record of [view, RecordView.of(given)]) {
    expect(record.key?.toString()).toBe(key);
    expect(record.value?.toString()).toBe(value);
    const { topic, partition, offset, timeMs, headers, release } = record;
    expect({ topic, partition, offset, timeMs, headers, release }).toEqual(fields);
  }
});

it('its parts are no copies', () => {
  const at = { bytes, keyFrom: 1, keyTo: 4, valueFrom: 5, valueTo: 10 };
  const view = new RecordView({ ...fields, ...at });
  expect(view.value?.buffer).toBe(bytes.buffer);
  expect(RecordView.of(view)).toBe(view);
});
