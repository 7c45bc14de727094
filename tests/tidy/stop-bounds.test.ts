/** Bounded waits hold others: who changes one of them must see what it is part of. */
import { expect, it } from 'vitest';
import { leavingMsMax as receiverLeavingMsMax } from '../../blocks/receiving/log-member.ts';
import { farewellMsMax, leavingMsMax } from '../../collector/cluster/consume.ts';
import { besideTimeoutMs } from '../../collector/store/database.ts';
import { leavingMsMax as adderLeavingMsMax } from '../../collector/numbers/adder.ts';
import { partStopMsMax } from '../../runtime/lifecycle.ts';
import { closeMsMax } from '../../wire/transport/kafka/client.ts';
import { leaveMsMax } from '../../wire/transport/kafka/consumer.ts';

it.each([
  ['a collector', leavingMsMax],
  ['an adder of numbers', adderLeavingMsMax],
  ['a receiver of blocks', receiverLeavingMsMax],
])('%s waits longer for a member to leave its group than that takes at most', (_, waitMsMax) => {
  // The group is left first, then all connections are closed side by side.
  expect(leaveMsMax + closeMsMax).toBeLessThan(waitMsMax);
});

it('a collector may commit and leave its group before its stop is given up', () => {
  expect(farewellMsMax + leavingMsMax).toBeLessThan(partStopMsMax);
});

it('a collector’s stop may wait for the thread that writes samples ahead', () => {
  // Who opens the store next must be its only writer: the wait for a lock, and as long for the work.
  expect(2 * besideTimeoutMs).toBeLessThan(partStopMsMax);
});
