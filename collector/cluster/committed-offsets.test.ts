import { expect, it } from 'vitest';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { CommittedOffsets } from './committed-offsets.ts';

const at = (partition: number, offset: number) => ({ topic: 't', partition, offset });

function scene() {
  const clock = createManualClock();
  return { clock, committed: new CommittedOffsets(clock) };
}

it('only what the group does not have is to be committed', () => {
  const { committed } = scene();
  expect(committed.newsOf([at(0, 5), at(1, 7)])).toEqual([at(0, 5), at(1, 7)]);
  committed.add([at(0, 5), at(1, 7)]);
  expect(committed.newsOf([at(0, 5), at(1, 8)])).toEqual([at(1, 8)]);
  committed.forget(at(0, 5));
  expect(committed.newsOf([at(0, 5)])).toEqual([at(0, 5)]);
});

it('a partition waits from its first offset that is not committed, however many come behind it', () => {
  const { clock, committed } = scene();
  clock.advance(1_000);
  expect(committed.uncommittedMs).toBe(0);
  committed.newsOf([at(0, 5)]);
  clock.advance(20_000);
  committed.newsOf([at(0, 9)]);
  clock.advance(20_000);
  expect(committed.uncommittedMs).toBe(40_000);
  committed.add([at(0, 9)]);
  expect(committed.uncommittedMs).toBe(0);
  committed.newsOf([at(0, 9)]);
  clock.advance(600_000);
  expect(committed.uncommittedMs).toBe(0);
});

it('the partition that waits for the longest counts, and none that is another’s', () => {
  const { clock, committed } = scene();
  committed.newsOf([at(0, 5)]);
  clock.advance(10_000);
  committed.newsOf([at(0, 5), at(1, 7)]);
  clock.advance(10_000);
  expect(committed.uncommittedMs).toBe(20_000);
  committed.forget(at(0, 5));
  expect(committed.uncommittedMs).toBe(10_000);
  committed.add([at(1, 7)]);
  expect(committed.uncommittedMs).toBe(0);
});
