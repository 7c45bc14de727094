import { expect, it } from 'vitest';
import { kafkaTarget } from './target.ts';

it('the same brokers in another order are the same target', () => {
  const target = 'kafka://a:9092,b:9092';
  expect(kafkaTarget(['a:9092', 'b:9092'])).toBe(target);
  expect(kafkaTarget(['b:9092', 'a:9092'])).toBe(target);
});
