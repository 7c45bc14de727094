import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { openForWriting } from './database.ts';
import { newestQuarantine, quarantineMark, storedQuarantine } from './quarantine.ts';

function filled(count: number) {
  const db = openForWriting(temporaryFolder());
  onTestFinished(() => db.close());
  const insert = db.prepare('INSERT INTO quarantine VALUES (NULL,?,?,?,?,?)');
  for (let i = 0; i < count; i += 1) {
    const topic = i % 2 === 0 ? 'windrow-samples' : null;
    insert.run(i * 1_000, `kafka windrow-samples/0@${i}`, topic, `reason, ${i}`, '"x"');
  }
  return db;
}

it('those of a span come in the order of their coming', () => {
  const db = filled(4);
  const common = { remote: 'kafka windrow-samples/0@1', body: '"x"' };
  expect([...storedQuarantine(db, { fromMs: 1_000, toMs: 3_000 })]).toEqual([
    { ...common, id: 2, atMs: 1_000, topic: null, reason: 'reason, 1' },
    {
      ...common,
      remote: 'kafka windrow-samples/0@2',
      id: 3,
      atMs: 2_000,
      topic: 'windrow-samples',
      reason: 'reason, 2',
    },
  ]);
});

it('the newest come first, with how many there are', () => {
  const db = filled(5);
  const { kept, newest } = newestQuarantine(db, 2);
  expect(kept).toBe(5);
  expect(newest.map(({ id, reason }) => [id, reason])).toEqual([
    [5, 'reason, 4'],
    [4, 'reason, 3'],
  ]);
});

it('the mark rises with each, also when the oldest have gone', () => {
  expect(quarantineMark(filled(0))).toBe(0);
  const db = filled(2);
  expect(quarantineMark(db)).toBe(2);
  db.exec('DELETE FROM quarantine WHERE id = 1');
  expect(quarantineMark(db)).toBe(2);
});
