import { expect, it } from 'vitest';
import { namesOf, topicsNamed } from './names.ts';

it.each([
  [1, 'topic a'],
  [2, 'topics a and b'],
  [5, 'topics a, b, c, d and e'],
  [6, 'topics a, b, c, d, e and 1 more'],
  [900, 'topics a, b, c, d, e and 895 more'],
])('of %i topics a sentence names five at most', (count, words) => {
  const topics = Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i));
  expect(topicsNamed(topics)).toBe(words);
  expect(`topic${count > 1 ? 's' : ''} ${namesOf(topics)}`).toBe(words);
});
