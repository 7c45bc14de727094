import { expect, test } from 'vitest';
import type { Delivery, ServerSummary } from '../../api/contract.ts';
import { badgesOf, catchUpText, conflictText, deliveryFacts } from './delivery.ts';

const summary: ServerSummary = {
  id: 1,
  server_id: 'pc',
  state: 'up',
  skewed: false,
  clock_offset_ms: 12,
  conflict: false,
  lost: 0,
  catch_up: null,
  replayed: false,
  owner: null,
  last_seen_ms: 0,
  ts: 0,
  values: [],
};
const delivery: Delivery = {
  received: 1_234_567,
  late: 0,
  duplicates: 12,
  lost: 0,
  boot: { id: 'b1', first_heard_ms: 0, started_ms: 1_000 },
  conflict: null,
};

test.each([
  [123_000, 'about 2 min'],
  [3_000, 'about 10 s'],
  [41_000, 'about 50 s'],
  [50_001, 'about 1 min'],
  [89_000, 'about 1 min'],
  [3_900_000, 'about 1 h 5 min'],
])('%i ms left are %s', (left_ms, text) => {
  expect(catchUpText({ waiting: 12_300, left_ms })).toBe(`catching up: 12,300 samples, ${text}`);
});

test('no time is told while the rate is not known', () => {
  expect(catchUpText({ waiting: 40, left_ms: null })).toBe('catching up: 40 samples');
  expect(catchUpText({ waiting: 1, left_ms: null })).toBe('catching up: 1 sample');
});

test('a server that is as it should be has no badge; each trouble has its own', () => {
  expect(badgesOf(summary)).toEqual([]);
  const all = { ...summary, skewed: true, clock_offset_ms: -9_500, conflict: true, lost: 1_200 };
  expect(badgesOf(all).map(({ text }) => text)).toEqual(['skewed', 'two agents', '1,200 lost']);
  expect(badgesOf(all)[0]?.why).toContain('-9.5 s');
});

test('a conflict names both agents and where they are', () => {
  const senders = [
    { boot_id: 'a', remote: '10.0.0.1' },
    { boot_id: 'b', remote: '10.0.0.2' },
  ];
  const text = conflictText({ ...delivery, conflict: { since_ms: 0, senders } });
  expect(text).toContain('boot a from 10.0.0.1 and boot b from 10.0.0.2');
  expect(conflictText(delivery)).toBeNull();
});

test('the facts are in plain words, and only what needs a look warns', () => {
  const texts = (of: Delivery, server = summary) =>
    deliveryFacts(of, server, 61_000).map(({ name, value, warns }) => [name, value, warns]);
  expect(texts(delivery)).toEqual([
    ['Received', '1,234,567', false],
    ['Late', '0', false],
    ['Repeated', '12', false],
    ['Lost', '0', false],
    ['Clock', 'right', false],
    ['Agent started', '1 min ago', false],
  ]);
  const bad = texts(
    { ...delivery, lost: 3, boot: null },
    { ...summary, skewed: true, clock_offset_ms: -7_000 },
  );
  expect(bad.slice(3)).toEqual([
    ['Lost', '3', true],
    ['Clock', '7.0 s behind', true],
    ['Agent started', '–', false],
  ]);
});
