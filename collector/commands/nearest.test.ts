import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

it.each([
  ['node-11', ['node-1', 'node-12', 'web'], 'node-1'],
  ['Node-2', ['node-1', 'node-2'], 'node-2'],
  ['nod-7', ['edge-7', 'node-7', 'node-70'], 'node-7'],
  ['', ['abc', 'b'], 'b'],
])('of %j the first of %j is %s', (sought, names, first) => {
  expect(nearest(sought, names)[0]).toBe(first);
});

it('every name is there, the nearest first', () => {
  expect(nearest('b', ['abcd', 'abc', 'ab'])).toEqual(['ab', 'abc', 'abcd']);
  expect(nearest('x', [])).toEqual([]);
});
