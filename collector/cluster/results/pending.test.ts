import { expect, it } from 'vitest';
import { createManualClock } from '../../../runtime/testing/manual-clock.ts';
import { Group } from '../../store/group.ts';
import { ownWaitMs, PendingResults, rowsMax } from './pending.ts';

const row = (body: string) => ({ serverId: 'pc', replayId: '', others: false, body });

it('waits so long at most from the first of them on, and goes into one commit with how far was read', () => {
  const clock = createManualClock();
  const pending = new PendingResults(clock);
  expect(pending.isDue).toBe(false);
  pending.put('pc', row('1'));
  pending.reached(0, { offset: 1 });
  clock.advance(ownWaitMs - 1);
  pending.put('pc', row('2'));
  pending.reached(0, { offset: 2 });
  expect(pending.isDue).toBe(false);
  expect(pending.newest('pc')).toEqual(row('2'));
  clock.advance(1);
  expect(pending.isDue).toBe(true);

  const group = new Group();
  pending.moveInto(group);
  expect([...group.results]).toEqual([['pc', row('2')]]);
  expect([...group.resultPositions]).toEqual([[0, { offset: 2 }]]);
  expect(pending.newest('pc')).toBeUndefined();
  clock.advance(ownWaitMs);
  expect(pending.isDue).toBe(false);
});

it('what is new to the store waits for nothing', () => {
  const clock = createManualClock();
  const pending = new PendingResults(clock);
  pending.reached(0, { offset: 1 });
  expect(pending.isDue).toBe(false);
  pending.hurry();
  expect(pending.isDue).toBe(true);
  pending.moveInto(new Group());
  expect(pending.isDue).toBe(false);
});

it('the rows of many servers are stored before they are a commit that takes long', () => {
  const pending = new PendingResults(createManualClock());
  for (let server = 1; server < rowsMax; server += 1) pending.put(`pc-${server}`, row('1'));
  pending.put('pc-1', row('2'));
  expect(pending.isDue).toBe(false);
  pending.put('pc-0', row('1'));
  expect(pending.isDue).toBe(true);
});
