import { expect, it } from 'vitest';
import { Source } from './source.ts';

it('a topic whose records may wait in the log is not silent', () => {
  const source = new Source({ sourceNo: 1, serverId: 'a', replayId: '', originMs: 0 });
  source.noteLane({ lane: 0 }, 1_000);
  source.noteLane({ lane: 1 }, 1_000);
  // Reading stood still for a minute; of what waited only one topic has been taken so far.
  source.noteLane({ lane: 0 }, 61_000);
  expect(source.takeSilentLanes(30_000, 2_000)).toEqual([]);
  expect(source.takeSilentLanes(30_000, 31_000)).toEqual([]);
  expect(source.hasHeard(1)).toBe(true);
  expect(source.takeSilentLanes(30_000, 62_000)).toEqual([1]);
  expect(source.hasHeard(1)).toBe(false);
});
