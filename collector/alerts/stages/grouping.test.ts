import { expect, it } from 'vitest';
import type { AlertNotice } from '../alert.ts';
import { madeNotice, resolveOf } from '../testing/notices.ts';
import { type GroupingContext, groupNext, noticesMax, type Told } from './grouping.ts';

/** `told` are the firings that the receiver had, `held` those that a silence kept from it. */
function grouped(
  notices: readonly AlertNotice[],
  {
    told = [],
    held = [],
    silenced = [],
  }: Partial<Record<'told' | 'held' | 'silenced', AlertNotice[]>> = {},
) {
  const known = new Map<string, Told>([
    ...told.map((notice) => [notice.id, { notice, held: false }] as const),
    ...held.map((notice) => [notice.id, { notice, held: true }] as const),
  ]);
  const context: GroupingContext = {
    groupWaitMs: 500,
    isSilenced: ({ id }) => silenced.some((notice) => notice.id === id),
    told: (id) => known.get(id),
  };
  const waiting = notices.map((notice, id) => ({ id, notice }));
  const { sent, settled } = groupNext(waiting, context);
  return {
    sent: sent.map(({ id }) => id),
    settled: settled.map(({ item, outcome }) => [item.id, outcome]),
    notices: sent.map(({ notice }) => notice),
  };
}

const firing = madeNotice();
const again = madeNotice({ startsAtMs: firing.startsAtMs + 600_000 });
const other = madeNotice({ server: 'pc-2' });
const otherRule = madeNotice({ rule: 'memory-high', server: 'pc-3' });

it('notices of the oldest one’s rule go out together, in order, whatever lies in between', () => {
  expect(grouped([firing, otherRule, other]).sent).toEqual([0, 2]);
  expect(grouped([otherRule, firing, other]).sent).toEqual([0]);
});

it('of one server only the oldest goes: what came after it waits for the next notification', () => {
  const result = grouped([firing, resolveOf(firing), again, other]);
  expect(result.sent).toEqual([0, 3]);
  expect(result.settled).toEqual([]);
});

it('what was taken over goes apart from ours, oldest first, and nothing of a server overtakes', () => {
  const inherited = { ...firing, formerOwner: 'one' };
  const later = { ...other, formerOwner: 'one', enqueuedMs: firing.enqueuedMs + 501 };
  const near = madeNotice({ server: 'pc-3', formerOwner: 'one' });
  const ofAnother = madeNotice({ server: 'pc-4', formerOwner: 'two' });
  const own = madeNotice({ server: 'pc-5' });
  const told = { told: [firing] };
  expect(grouped([later, near, ofAnother, own, inherited]).sent).toEqual([1, 4]);
  // The end is of our own judging.
  expect(grouped([own, inherited, resolveOf(firing)], told).sent).toEqual([0]);
  expect(grouped([inherited, later, resolveOf(firing), own], told).sent).toEqual([0]);
});

it('a notification is bounded', () => {
  const many = Array.from({ length: noticesMax + 5 }, (_, i) => madeNotice({ server: `pc-${i}` }));
  expect(grouped(many).sent).toEqual(many.slice(0, noticesMax).map((_, i) => i));
});

it('a resolve goes out when its firing was told, and is not needed otherwise', () => {
  expect(grouped([resolveOf(firing)], { told: [firing] }).sent).toEqual([0]);
  const unknown = grouped([resolveOf(firing)], { told: [again] });
  expect(unknown.sent).toEqual([]);
  expect(unknown.settled).toEqual([[0, 'not needed']]);
});

it('a resolve carries the labels by which the receiver knows the alert, also when the rule has changed', () => {
  const changed = resolveOf(firing, {
    severity: 'info',
    labels: { alertname: 'cpu-high' },
    fingerprint: '0000000000000000',
  });
  const [notice] = grouped([changed], { told: [firing] }).notices;
  expect(notice).toEqual({
    ...changed,
    severity: firing.severity,
    labels: firing.labels,
    fingerprint: firing.fingerprint,
  });
});

it('a silenced firing does not go out, nor does its resolve, whether it comes at once or later', () => {
  const silenced = [firing];
  expect(grouped([firing, resolveOf(firing), other], { silenced })).toMatchObject({
    sent: [2],
    settled: [
      [0, 'silenced'],
      [1, 'not needed'],
    ],
  });
  expect(grouped([resolveOf(firing)], { held: [firing] })).toMatchObject({
    sent: [],
    settled: [[0, 'not needed']],
  });
});

it('a resolve whose firing was told goes out in a silence, too', () => {
  expect(grouped([resolveOf(firing)], { told: [firing], silenced: [firing] }).sent).toEqual([0]);
});

it('what fires anew after a silenced breach goes out', () => {
  const result = grouped([firing, resolveOf(firing), again], { silenced: [firing] });
  expect(result.sent).toEqual([2]);
});
