import { expect, it } from 'vitest';
import { TopicPositions } from './topic-positions.ts';

const topic = 't';

it('is read on where it was, and each record counts once', () => {
  const positions = new TopicPositions(topic, new Map([[1, { offset: 5, topicId: 'id' }]]));
  expect(positions.places()).toEqual([{ topic, partition: 1, offset: 5, topicId: 'id' }]);
  expect(positions.opened('id', [{ topic, partition: 1, offset: 5 }])).toBe(false);
  expect(positions.reach(1, 5)).toBeUndefined();
  expect(positions.reach(1, 6)).toEqual({ offset: 6, topicId: 'id' });
  expect(positions.reach(1, 6)).toBeUndefined();
  expect(positions.reach(0, 1)).toEqual({ offset: 1, topicId: 'id' });
});

it('of a topic that was made anew nothing is known, and that is told', () => {
  const positions = new TopicPositions(topic, new Map([[0, { offset: 5, topicId: 'old' }]]));
  expect(positions.opened('new', [])).toBe(true);
  expect(positions.reach(0, 1)).toEqual({ offset: 1, topicId: 'new' });
  expect(positions.opened('newer', [])).toBe(true);
  // Though nothing was read of it.
  expect(positions.opened('newest', [])).toBe(true);
  expect(positions.opened('newest', [])).toBe(false);
});

it('the first topic is none that was made anew, nor is one whose id was not noted', () => {
  expect(new TopicPositions(topic, new Map()).opened('id', [])).toBe(false);
  const older = new TopicPositions(topic, new Map([[0, { offset: 5, topicId: undefined }]]));
  expect(older.opened('id', [{ topic, partition: 0, offset: 5 }])).toBe(false);
  expect(older.reach(0, 5)).toBeUndefined();
});
