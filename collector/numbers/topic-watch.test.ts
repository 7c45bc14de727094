import { expect, it } from 'vitest';
import { TopicWatch } from './topic-watch.ts';

const gone = 'topic numbers is gone: waits until somebody makes it again';
const back = 'topic numbers is there again';
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
  expect(told).toEqual([gone, back]);
});

it('who has no part of it hears that it is there again when somebody has made it', () => {
  const told: string[] = [];
  const topic = new TopicWatch((line) => void told.push(line));
  topic.assigned([]);
  topic.missing();
  topic.assigned([]);
  expect(told).toEqual([gone]);
  topic.assigned([]);
  topic.assigned([start]);
  expect(told).toEqual([gone, back]);
});
