import { expect, it } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { deliveriesOf } from './deliveries.ts';
import { refusalsMax } from './delivery.ts';
import {
  type DeliveryRig,
  deliveryRig,
  down,
  name,
  outcomesOf,
  refusal,
  sentTo,
} from './testing/delivery-rig.ts';
import { madeNotice, resolveOf } from './testing/notices.ts';

const firing = madeNotice({ enqueuedMs: noonMs });
const other = madeNotice({ server: 'pc-2', enqueuedMs: noonMs });
const resolved = resolveOf(firing, { enqueuedMs: noonMs });

function rigOf(): DeliveryRig {
  return deliveryRig(temporaryFolder());
}

it('what is refused again and again is given up, with its resolve, and what follows goes out', async () => {
  const rig = rigOf();
  rig.notifier.answer = () => (rig.lines.length < 2 ? refusal : undefined);
  rig.enqueue(firing, resolved, madeNotice({ rule: 'memory-high', enqueuedMs: noonMs }));
  rig.clock.advance(500);
  for (let i = 1; i < refusalsMax; i += 1) rig.clock.advance(await rig.settle());
  expect(rig.lines.map(({ level }) => level)).toEqual(['warn']);
  await rig.settle();
  expect(rig.lines[1]).toMatchObject({ level: 'error', error: 'the receiver answered 400' });
  expect(rig.notifier.sent.map(({ notices }) => notices[0]?.rule)).toEqual(['memory-high']);
  expect(deliveriesOf(rig.db, firing.id)).toMatchObject([
    { outcome: 'given up', attempts: refusalsMax, error: 'the receiver answered 400' },
    { outcome: 'not needed', status: 'resolved' },
  ]);
});

it('of a group that is refused only what is refused alone, too, is given up, also over a restart', async () => {
  const rig = rigOf();
  const notices = ['pc-1', 'pc-2', 'pc-3'].map((server) =>
    madeNotice({ server, enqueuedMs: noonMs }),
  );
  const bad = notices[1]!;
  rig.notifier.answer = (notification) =>
    notification.notices.some(({ id }) => id === bad.id) ? refusal : undefined;
  const ends = [bad, notices[2]!].map((notice) => resolveOf(notice, { enqueuedMs: noonMs }));
  rig.enqueue(...notices, ...ends);
  rig.clock.advance(500);
  for (let i = 1; i < refusalsMax; i += 1) rig.clock.advance(await rig.settle());
  expect(rig.notifier.sent).toEqual([]);
  // The tenth refusal of the group, and the first notice alone.
  await rig.step();
  await rig.step();
  expect(rig.store.count(name)).toBe(4);
  rig.restart();
  await rig.settle();
  expect(sentTo(rig)).toEqual([['pc-1 firing'], ['pc-3 firing'], ['pc-3 resolved']]);
  expect(new Set(rig.notifier.sent.map(({ key }) => key)).size).toBe(3);
  expect(outcomesOf(rig, bad)).toEqual(['firing given up', 'resolved not needed']);
  expect(rig.counts).toEqual({ sent: 3, 'given up': 1, 'not needed': 1 });
  expect(rig.lines.filter(({ level }) => level === 'error')).toMatchObject([
    { msg: 'a notification is refused; its notices are sent one by one', notices: 3 },
    { msg: 'a notification is given up: it is refused' },
  ]);
});

it('a notice that is on its way alone is repeated as any other while nobody answers', async () => {
  const rig = rigOf();
  rig.notifier.answer = ({ notices }) => (notices.length > 1 ? refusal : down);
  rig.enqueue(firing, other);
  rig.clock.advance(500);
  for (let i = 0; i < 2 * refusalsMax; i += 1) rig.clock.advance(await rig.settle());
  expect(rig.store.count(name)).toBe(2);
  rig.notifier.answer = () => undefined;
  await rig.settle();
  expect(sentTo(rig)).toEqual([['pc-1 firing'], ['pc-2 firing']]);
});

it('refusals of one notification do not count for the next', async () => {
  const rig = rigOf();
  let refusals = refusalsMax - 1;
  rig.notifier.answer = () => ((refusals -= 1) >= 0 ? refusal : undefined);
  rig.enqueue(firing);
  rig.clock.advance(500);
  for (let i = 1; i < refusalsMax; i += 1) rig.clock.advance(await rig.settle());
  await rig.settle();
  refusals = 1;
  rig.enqueue(resolved);
  rig.clock.advance(await rig.settle());
  await rig.settle();
  expect(outcomesOf(rig, firing)).toEqual(['firing sent', 'resolved sent']);
});
