import { expect, it } from 'vitest';
import { Heard } from './heard.ts';

it('what was in a partition then has been heard once it is read until there', () => {
  const heard = new Heard();
  heard.ends({ offset: 10, atMs: 1_000 }, 4);
  expect(heard.throughMs).toBe(-Infinity);
  // Who never catches up with the newest end has heard through an older one all the same.
  heard.ends({ offset: 20, atMs: 2_000 }, 9);
  heard.reached(10);
  expect(heard.throughMs).toBe(1_000);
  heard.ends({ offset: 20, atMs: 3_000 }, 20);
  expect(heard.throughMs).toBe(3_000);
});

it('an end that the log has lost is awaited no longer', () => {
  const heard = new Heard();
  heard.ends({ offset: 10, atMs: 1_000 }, 4);
  heard.ends({ offset: 8, atMs: 2_000 }, 4);
  expect(heard.throughMs).toBe(-Infinity);
  heard.reached(8);
  expect(heard.throughMs).toBe(2_000);
});
