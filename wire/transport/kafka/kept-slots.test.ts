import { expect, it } from 'vitest';
import { keptSlots } from './kept-slots.ts';

const held = (generation: number, identity = 'topics') => ({
  share: { generation, slots: new Set([3]), topics: new Map() },
  reading: { places: [], uneven: [], identity },
});

it('slots are kept into the same or the next share of the same topics, and into no other', () => {
  const kept = [7, 8, 9, 6, 1, -1].map((generation) => keptSlots(held(7), held(generation)).size);
  // Before 7 there is only a group that began anew: others may have read and committed since.
  expect(kept).toEqual([1, 1, 0, 0, 0, 0]);
  expect(keptSlots(held(7), held(8, 'other topics')).size).toBe(0);
  expect(keptSlots(undefined, held(1)).size).toBe(0);
});
