/** What another collector tells by now, and later this one again. */
import { expect, it } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { noticeMark } from './alert.ts';
import { type DeliveryGate, openGate, type Verdict } from './delivery-gate.ts';
import { deliveryRig, down, sentTo } from './testing/delivery-rig.ts';
import { madeNotice, resolveOf } from './testing/notices.ts';

const firing = madeNotice({ enqueuedMs: noonMs });
const resolved = resolveOf(firing, { enqueuedMs: noonMs });

function rigOf() {
  let verdict: Verdict = 'now';
  let killed = false;
  const done = new Set<string>();
  const gate: DeliveryGate = {
    ...openGate,
    mayTell: (_, notice) => (done.has(noticeMark(notice)) ? 'never' : verdict),
    settled: (_, notice) => void done.add(noticeMark(notice)),
    left() {
      if (killed) throw new Error('killed');
    },
  };
  const rig = deliveryRig(temporaryFolder(), noonMs, gate);
  return {
    rig,
    /** One that is killed gets no further than to leave what is on its way. */
    away: async ({ isKilled }: { readonly isKilled: boolean }): Promise<void> => {
      verdict = 'never';
      killed = isKilled;
      await rig.step().catch(() => {});
      killed = false;
      if (isKilled) rig.restart();
      verdict = 'now';
    },
  };
}

it.each([{ isKilled: false }, { isKilled: true }])(
  'an alert that was away while the receiver was down, and comes back, is told with its end: %j',
  async (how) => {
    const { rig, away } = rigOf();
    rig.notifier.answer = () => down;
    rig.enqueue(firing, resolved);
    rig.clock.advance(500);
    await rig.settle();
    await away(how);
    // As it is taken over.
    rig.enqueue(firing, resolved);
    rig.notifier.answer = () => undefined;
    rig.clock.advance(60_000);
    await rig.settle();
    expect(sentTo(rig)).toEqual([['pc-1 firing'], ['pc-1 resolved']]);
  },
);
