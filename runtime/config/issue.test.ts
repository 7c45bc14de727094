import { expect, it } from 'vitest';
import { z } from 'zod';
import { whatIsWrong } from './issue.ts';

it.each([
  [z.string(), undefined, 'must be given'],
  [z.string(), 5, 'must be text'],
  [z.array(z.string()), 'x', 'must be a list'],
  [z.object({}), 'x', 'must hold keys and values'],
  [z.record(z.string(), z.string()), [], 'must hold keys and values'],
  [z.enum(['a', 'b']), 'c', 'must be one of a, b'],
  [z.array(z.string()).min(1), [], 'must have a length of at least 1'],
  [z.string().max(2), 'abc', 'must have a length of at most 2'],
  [z.number().max(2), 3, 'must be at most 2'],
  [z.string().regex(/^a/, 'must begin with a'), 'b', 'must begin with a'],
  [z.date(), 'b', 'is of the wrong type'],
])('says in the words of a file what is wrong (%#)', (schema, value, expected) => {
  expect(whatIsWrong(schema.safeParse(value).error?.issues[0])).toBe(expected);
});
