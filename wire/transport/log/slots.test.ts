import { expect, it } from 'vitest';
import { readingOf, slotCountOf, slotOf, type Topics } from './slots.ts';

function topicsOf(counts: Readonly<Record<string, number>>): Topics {
  return new Map(
    Object.entries(counts).map(([name, partitions]) => [name, { id: `id of ${name}`, partitions }]),
  );
}

/** As `topic/partition`. */
function read(slots: readonly number[], topics: Topics, rules: Parameters<typeof slotOf>[1] = {}) {
  const { places, uneven } = readingOf(new Set(slots), topics, rules);
  return { places: places.map(({ topic, partition }) => `${topic}/${partition}`), uneven };
}

it('a slot is its partition of every topic that has so many', () => {
  const topics = topicsOf({ a: 3, b: 2 });
  expect(slotCountOf(topics, {})).toBe(3);
  expect(read([1], topics).places).toEqual(['a/1', 'b/1']);
  expect(read([2, 0], topics).places).toEqual(['a/0', 'a/2', 'b/0']);
  expect(slotCountOf(new Map(), {})).toBe(0);
});

it('all partitions of a whole topic are in slot 0, and make no more slots', () => {
  const topics = topicsOf({ a: 2, w: 5 });
  const rules = { whole: ['w'] };
  expect(slotCountOf(topics, rules)).toBe(2);
  expect(slotCountOf(topicsOf({ w: 5 }), rules)).toBe(1);
  expect(slotOf({ topic: 'w', partition: 4 }, rules)).toBe(0);
  expect(read([0], topics, rules).places).toEqual(['a/0', 'w/0', 'w/1', 'w/2', 'w/3', 'w/4']);
  expect(read([1], topics, rules).places).toEqual(['a/1']);
});

it('topics that belong together and are uneven wait, but for who has all slots', () => {
  const topics = topicsOf({ a: 3, b: 2, c: 3 });
  const rules = { together: ['a', 'b', 'not there'] };
  const partitions = new Map([
    ['a', 3],
    ['b', 2],
  ]);
  expect(read([0], topics, rules)).toEqual({
    places: ['c/0'],
    uneven: [{ partitions, isRead: false }],
  });
  expect(read([0, 1, 2], topics, rules).uneven).toEqual([{ partitions, isRead: true }]);
  expect(read([0, 1, 2], topics, rules).places).toHaveLength(8);
  expect(read([0], topicsOf({ a: 3, b: 3, c: 2 }), rules).uneven).toEqual([]);
});

it('topics that should be alike and are uneven are read all the same, and told', () => {
  const topics = topicsOf({ a: 2, b: 1 });
  const partitions = new Map([
    ['a', 2],
    ['b', 1],
  ]);
  expect(read([0], topics, { alike: ['a', 'b'] })).toEqual({
    places: ['a/0', 'b/0'],
    uneven: [{ partitions, isRead: true }],
  });
});

it('a topic that all should have a part of, and that has fewer partitions than slots, is told with all', () => {
  const rules = { spread: 'b', whole: ['w'] };
  const partitions = new Map([
    ['a', 3],
    ['b', 2],
  ]);
  expect(read([0], topicsOf({ b: 2, w: 9, a: 3 }), rules).uneven).toEqual([
    { partitions, isRead: true, slotCount: 3 },
  ]);
  expect(read([0], topicsOf({ a: 3, b: 3, w: 9 }), rules).uneven).toEqual([]);
  expect(read([0], topicsOf({ a: 3, b: 4 }), rules).uneven).toEqual([]);
  expect(read([0], topicsOf({ a: 3 }), rules).uneven).toEqual([]);
});

it('what is read is another thing when a topic is another one, waits, or comes back', () => {
  const identity = (topics: Topics, slots: number[], rules = {}): string =>
    readingOf(new Set(slots), topics, rules).identity;
  const topics = topicsOf({ a: 3, b: 2 });
  expect(identity(topicsOf({ a: 4, b: 2 }), [0])).toBe(identity(topics, [1]));
  expect(identity(new Map([...topics, ['b', { id: 'anew', partitions: 2 }]]), [0])).not.toBe(
    identity(topics, [0]),
  );
  expect(identity(topics, [0], { together: ['a', 'b'] })).not.toBe(identity(topics, [0]));
});
