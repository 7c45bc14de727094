/**
 * What one collector grouped while it came, and another took over in any order, between notices of
 * its own and of a third.
 */
import { expect, it } from 'vitest';
import fc from '../../../runtime/testing/property.ts';
import { noonMs } from '../../../runtime/testing/manual-clock.ts';
import type { AlertNotice } from '../alert.ts';
import { madeNotice } from '../testing/notices.ts';
import { groupNext, type Waiting } from './grouping.ts';

const groupWaitMs = 500;
const context = { groupWaitMs, isSilenced: () => false, told: () => undefined };
const rules = ['cpu-high', 'memory-high'] as const;
const owners = ['one', 'two', undefined] as const;

const come = fc.record({
  owner: fc.constantFrom(...owners),
  rule: fc.constantFrom(...rules),
  /** After the one before. */
  afterMs: fc.integer({ min: 0, max: 700 }),
});

/** As its owner sends them: what came until the oldest had waited for long enough goes together. */
function sentAsTheyCome(notices: readonly AlertNotice[]): string[] {
  return groupsOf(notices, (waiting) => {
    const endMs = (waiting[0]?.notice.enqueuedMs ?? 0) + groupWaitMs;
    return waiting.filter(({ notice }) => notice.enqueuedMs <= endMs);
  });
}

/** The servers of each group, in the order of names. */
function groupsOf(
  notices: readonly AlertNotice[],
  thereAmong: (waiting: readonly Waiting[]) => readonly Waiting[],
): string[] {
  const groups: string[] = [];
  let waiting: readonly Waiting[] = notices.map((notice, id) => ({ id, notice }));
  while (waiting.length > 0) {
    const { sent } = groupNext(thereAmong(waiting), context);
    expect(sent).not.toEqual([]);
    groups.push(
      sent
        .map(({ notice: { server } }) => server)
        .sort()
        .join(' '),
    );
    waiting = waiting.filter(({ id }) => !sent.some((item) => item.id === id));
  }
  return groups.sort();
}

it('what was taken over goes out in the groups of its former owner, whatever else waits', () => {
  const runs = fc
    .array(come, { minLength: 1, maxLength: 20 })
    .chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray([...all.keys()], { minLength: all.length })),
    );
  fc.assert(
    fc.property(runs, ([all, order]) => {
      let enqueuedMs = noonMs;
      const notices = all.map(({ owner, rule, afterMs }, i) => {
        enqueuedMs += afterMs;
        return madeNotice({ rule, server: `pc-${i}`, enqueuedMs, formerOwner: owner });
      });
      const inherited = (['one', 'two'] as const).flatMap((owner) =>
        sentAsTheyCome(
          notices
            .filter(({ formerOwner }) => formerOwner === owner)
            .map(({ rule, server, enqueuedMs: atMs }) =>
              madeNotice({ rule, server, enqueuedMs: atMs }),
            ),
        ),
      );
      // Ours wait since the receiver was away, and go together.
      const own = rules
        .map((rule) => notices.filter((n) => n.formerOwner === undefined && n.rule === rule))
        .filter(({ length }) => length > 0)
        .map((group) =>
          group
            .map(({ server }) => server)
            .sort()
            .join(' '),
        );
      const queue = order.flatMap((i) => notices[i] ?? []);
      expect(groupsOf(queue, (waiting) => waiting)).toEqual([...inherited, ...own].sort());
    }),
  );
});
