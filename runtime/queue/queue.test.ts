import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { DurableQueue, type Found } from './queue.ts';
import { QUEUE_SCHEMA } from './schema.ts';

const nobody: ReadonlySet<number> = new Set();

function fixture() {
  const path = join(temporaryFolder(), 'queue.db');
  const open = (): DatabaseSync => {
    const db = new DatabaseSync(path);
    onTestFinished(() => {
      if (db.isOpen) db.close();
    });
    return db;
  };
  const db = open();
  db.exec(QUEUE_SCHEMA);
  const queue = new DurableQueue(db);
  const add = (lane: string, no: number | null, atMs = no ?? 0): number =>
    queue.add({ lane, no, atMs, body: `${lane}${no}` });
  return { db, queue, add, reopened: () => new DurableQueue(open()) };
}

function bodies({ items }: Found): string[] {
  return items.map(({ body }) => body);
}

it('gives the oldest first, of all lanes and of one, until they are removed', () => {
  const { queue, add } = fixture();
  const ids = [add('a', 0), add('b', 0), add('a', 1), add('b', 1)];
  expect(bodies(queue.oldest(3))).toEqual(['a0', 'b0', 'a1']);
  expect(bodies(queue.oldest(3))).toEqual(['a0', 'b0', 'a1']);
  expect(bodies(queue.oldest(9, { beforeId: ids[2] }))).toEqual(['a0', 'b0']);
  expect(bodies(queue.oldest(2, { except: ids.slice(0, 1) }))).toEqual(['b0', 'a1']);
  expect(bodies(queue.oldestOf('b', 9))).toEqual(['b0', 'b1']);
  expect(queue.remove(ids.slice(0, 2))).toBe(2);
  expect(queue.oldest(9)).toEqual({
    items: [
      { id: ids[2], lane: 'a', no: 1, atMs: 1, body: 'a1' },
      { id: ids[3], lane: 'b', no: 1, atMs: 1, body: 'b1' },
    ],
    spoilt: [],
  });
  expect([queue.count(), queue.count('b')]).toEqual([2, 1]);
});

it('what was added is there for the next who opens the file', () => {
  const { db, add, reopened } = fixture();
  add('a', 7);
  db.close();
  expect(bodies(reopened().oldest(9))).toEqual(['a7']);
});

it('an id never comes back: removing what was dropped meanwhile takes nothing else with it', () => {
  const { queue, add } = fixture();
  const dropped = add('a', 0);
  queue.dropOldest(1);
  const next = add('a', 1);
  expect(next).toBeGreaterThan(dropped);
  expect(queue.remove([dropped])).toBe(0);
  expect(bodies(queue.oldest(9))).toEqual(['a1']);
});

it('tells the lowest number of a lane and the earliest time, also when the clock went back', () => {
  const { queue, add } = fixture();
  const ids = [add('a', 4, 1_000), add('a', 5, 1_001), add('a', 6, 500), add('b', 0, 2_000)];
  add('a', null, 1);
  expect(queue.oldestNumber('a', nobody)).toBe(4);
  expect(queue.oldestNumber('a', new Set(ids.slice(0, 2)))).toBe(6);
  expect(queue.oldestNumber('a', new Set(ids))).toBeUndefined();
  expect(queue.earliestMs(nobody)).toBe(500);
  expect(queue.earliestMs(new Set([ids[2] ?? 0]))).toBe(1_000);
  expect(queue.earliestMs(new Set(ids))).toBeUndefined();
});

it('counts what is dropped for each lane, and keeps the counts', () => {
  const { db, queue, add, reopened } = fixture();
  add('a', null);
  for (let no = 0; no < 3; no += 1) add('a', no);
  for (let no = 0; no < 3; no += 1) add('b', no);
  expect(queue.dropOldest(2)).toBe(2);
  expect(queue.dropOldest(1, { lane: 'b' })).toBe(1);
  expect(queue.dropOldest(1)).toBe(1);
  db.close();
  const again = reopened();
  expect(again.dropped('a')).toEqual({ items: 3, numbered: 2 });
  expect(again.dropped('b')).toEqual({ items: 1, numbered: 1 });
  expect(again.dropped('c')).toEqual({ items: 0, numbered: 0 });
  expect(again.dropped()).toEqual({ items: 4, numbered: 3 });
  expect(bodies(again.oldest(9))).toEqual(['a2', 'b1', 'b2']);
  expect(again.dropOldest(9)).toBe(3);
});

it('drops nothing that is on its way, and counts what never came into the queue', () => {
  const { queue, add } = fixture();
  const ids = [add('a', 0), add('a', 1), add('a', 2)];
  expect(queue.dropOldest(9, { except: ids.slice(0, 2) })).toBe(1);
  expect(bodies(queue.oldest(9))).toEqual(['a0', 'a1']);
  queue.noteDropped('a', { items: 5, numbered: 4 });
  expect(queue.dropped('a')).toEqual({ items: 6, numbered: 5 });
});

it.each([
  ['a body', "UPDATE queue_items SET body = 'A1' WHERE no = 1"],
  ['a body that is none', "UPDATE queue_items SET body = '' WHERE no = 1"],
  ['a lane', "UPDATE queue_items SET lane = 'c' WHERE no = 1"],
  ['a number', 'UPDATE queue_items SET no = 1025 WHERE no = 1'],
  ['a number that is none', 'UPDATE queue_items SET no = NULL WHERE no = 1'],
  ['a time', 'UPDATE queue_items SET at_ms = at_ms + 4096 WHERE no = 1'],
  ['a checksum', 'UPDATE queue_items SET checksum = checksum - 1 WHERE no = 1'],
])('an item that has changed in %s is not given out, and can be dropped', (_, change) => {
  const { db, queue, add } = fixture();
  const ids = [add('a', 0), add('a', 1), add('a', 2)];
  db.exec(change);
  const looked = queue.oldest(9);
  expect(bodies(looked)).toEqual(['a0', 'a2']);
  expect(looked.spoilt).toEqual([ids[1]]);
  expect(queue.drop(looked.spoilt)).toBe(1);
  expect([queue.count(), queue.dropped().items]).toEqual([2, 1]);
  expect(queue.oldestOf('a', 9)).toEqual(queue.oldest(9));
});

it('an item whose columns damage has made something else is dropped like any other', () => {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  // As a flipped bit in a record's header does it, which no STRICT table looks at when it is read.
  db.exec(QUEUE_SCHEMA.replace(/\) STRICT;/, ');').replaceAll(/(?<=TEXT|INTEGER) NOT NULL/g, ''));
  const queue = new DurableQueue(db);
  for (let no = 0; no < 3; no += 1) queue.add({ lane: 'a', no, atMs: no, body: `a${no}` });
  db.exec("UPDATE queue_items SET lane = x'ff00', body = x'ff00', at_ms = NULL WHERE no < 2");
  const { items, spoilt } = queue.oldest(9);
  expect(items.map(({ body }) => body)).toEqual(['a2']);
  expect(queue.drop(spoilt)).toBe(2);
  expect([queue.count(), queue.dropped().items]).toEqual([1, 2]);
});

it('sums up what waits in each lane', () => {
  const { queue, add } = fixture();
  add('b', 10, 30);
  add('a', 0, 20);
  add('b', 11, 10);
  expect(queue.lanes()).toEqual([
    { lane: 'b', items: 2, bodyBytes: 6, earliestMs: 10, latestMs: 30 },
    { lane: 'a', items: 1, bodyBytes: 2, earliestMs: 20, latestMs: 20 },
  ]);
});

it('a transaction rolled back leaves no trace', () => {
  const { db, queue, add } = fixture();
  add('a', 0);
  db.exec('BEGIN');
  add('a', 1);
  queue.dropOldest(1);
  db.exec('ROLLBACK');
  expect([queue.count(), queue.dropped().items]).toEqual([1, 0]);
  expect(bodies(queue.oldest(9))).toEqual(['a0']);
});
