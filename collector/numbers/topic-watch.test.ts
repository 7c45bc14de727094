import { expect, it } from 'vitest';
import { TopicWatch } from './topic-watch.ts';

const start = { topic: 'numbers', partition: 0, slot: 0, offset: 0, endOffset: 0, topicId: 'one' };

it('a topic that only some brokers had missed is told to be there, not to be another one', () => {
  const told: string[] = [];
  const topic = new TopicWatch((line) => void told.push(line));
  topic.assigned([start]);
  topic.missing();
  expect(topic.isGone).toBe(true);
  topic.assigned([]);
  expect(topic.isGone).toBe(true);
  topic.assigned([start]);
  topic.assigned([]);
  expect(topic.isGone).toBe(false);
  expect(told).toEqual([
    'topic numbers is gone: waits until somebody makes it again',
    'topic numbers is there again',
  ]);
});
