import fc from '../../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { assignSlots, type Claimant } from './assign.ts';

const name = fc.string({ minLength: 1, maxLength: 3 });
const slotCount = fc.integer({ min: 0, max: 40 });
const claimant = fc.record({
  name,
  slots: fc.array(fc.oneof(fc.integer({ min: -2, max: 45 }), fc.double()), { maxLength: 45 }),
});
const claimants = fc.uniqueArray(claimant, { minLength: 1, maxLength: 8, selector: (c) => c.name });

function asClaimants(assigned: ReadonlyMap<string, readonly number[]>): Claimant[] {
  return [...assigned].map(([member, slots]) => ({ name: member, slots }));
}

/** Slots that were another's before. */
function movedBetween(
  before: ReadonlyMap<string, readonly number[]>,
  after: ReadonlyMap<string, readonly number[]>,
): number {
  return [...after].flatMap(([member, slots]) =>
    slots.filter((slot) => !(before.get(member) ?? []).includes(slot)),
  ).length;
}

describe('assignSlots', () => {
  it('every slot goes to exactly one member, whatever is claimed', () => {
    fc.assert(
      fc.property(slotCount, claimants, (count, members) => {
        const all = [...assignSlots(count, members).values()].flat().sort((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: count }, (_, slot) => slot));
      }),
    );
  });

  it('the counts differ by at most one', () => {
    fc.assert(
      fc.property(slotCount, claimants, (count, members) => {
        const counts = [...assignSlots(count, members).values()].map(({ length }) => length);
        expect(counts).toHaveLength(members.length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('it does not depend on the order of the members', () => {
    fc.assert(
      fc.property(slotCount, claimants, (count, members) => {
        const reversed = assignSlots(count, members.toReversed());
        expect(Object.fromEntries(assignSlots(count, members))).toEqual(
          Object.fromEntries(reversed),
        );
      }),
    );
  });

  it('a second time nothing moves', () => {
    fc.assert(
      fc.property(slotCount, claimants, (count, members) => {
        const first = assignSlots(count, members);
        expect(movedBetween(first, assignSlots(count, asClaimants(first)))).toBe(0);
      }),
    );
  });

  it('one who joins gets a share, and nothing else moves', () => {
    fc.assert(
      fc.property(slotCount, claimants, name, (count, members, joining) => {
        fc.pre(members.every((member) => member.name !== joining));
        const before = assignSlots(count, members);
        const after = assignSlots(count, [...asClaimants(before), { name: joining, slots: [] }]);
        expect(movedBetween(before, after)).toBe(after.get(joining)?.length);
      }),
    );
  });

  it('of one who leaves only the slots move', () => {
    fc.assert(
      fc.property(slotCount, claimants, (count, members) => {
        fc.pre(members.length > 1);
        const before = assignSlots(count, members);
        const [left, ...stay] = asClaimants(before);
        const after = assignSlots(count, stay);
        expect(movedBetween(before, after)).toBe(left?.slots.length);
      }),
    );
  });
});
