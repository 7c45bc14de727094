import { expect, it, vi } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { deliveriesOf } from './deliveries.ts';
import { idleMs, refusalsMax } from './delivery.ts';
import { waitingMax } from './delivery-store.ts';
import { silencesSchema } from './stages/silence.ts';
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

it('what comes within the group wait goes out together, and nothing before', async () => {
  const rig = rigOf();
  rig.enqueue(firing);
  expect(await rig.settle()).toBe(500);
  rig.clock.advance(499);
  rig.enqueue({ ...other, enqueuedMs: rig.clock.wallMs() });
  expect(await rig.settle()).toBe(1);
  expect(rig.notifier.sent).toEqual([]);
  rig.clock.advance(1);
  await rig.settle();
  expect(sentTo(rig)).toEqual([['pc-1 firing', 'pc-2 firing']]);
  expect(rig.delaysMs).toEqual([500, 1]);
  expect(rig.store.count(name)).toBe(0);
});

it('a clock that is set back does not keep a notification', async () => {
  const rig = rigOf();
  rig.enqueue(firing);
  rig.clock.setWall(noonMs - 3_600_000);
  await rig.settle();
  expect(sentTo(rig)).toEqual([['pc-1 firing']]);
});

it('a firing and its resolve that wait together go out one after the other', async () => {
  const rig = rigOf();
  rig.enqueue(firing, resolved);
  rig.clock.advance(500);
  await rig.settle();
  expect(sentTo(rig)).toEqual([['pc-1 firing'], ['pc-1 resolved']]);
  // Of the same alert, but not the same news.
  expect(new Set(rig.notifier.sent.map(({ key }) => key)).size).toBe(2);
  expect(outcomesOf(rig, firing)).toEqual(['firing sent', 'resolved sent']);
});

it('a resolve of which the receiver never had the firing is not sent, and the log says so', async () => {
  const rig = rigOf();
  rig.enqueue(resolved);
  rig.clock.advance(500);
  await rig.settle();
  expect(rig.notifier.sent).toEqual([]);
  expect(outcomesOf(rig, firing)).toEqual(['resolved not needed']);
  // The resolve made one more too many.
  expect(rig.counts).toEqual({ 'not needed': 1 });
});

it('a receiver that is down gets everything later, in order, and is asked ever more rarely', async () => {
  const rig = rigOf();
  rig.notifier.answer = () => down;
  rig.enqueue(firing);
  rig.clock.advance(500);
  const waitsMs: number[] = [];
  for (let i = 0; i < 9; i += 1) {
    waitsMs.push(await rig.settle());
    // Asked again too early, it does nothing.
    expect(await rig.step()).toBe(waitsMs.at(-1));
    rig.clock.advance(waitsMs.at(-1) ?? 0);
  }
  // Half of 1 s × 2ⁿ, and of 60 s at most: full jitter with a die that always shows the middle.
  expect(waitsMs).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  rig.enqueue(other, resolved);
  rig.notifier.answer = () => undefined;
  await rig.settle();
  expect(sentTo(rig)).toEqual([['pc-1 firing'], ['pc-2 firing', 'pc-1 resolved']]);
  const [delivery] = deliveriesOf(rig.db, firing.id);
  expect(delivery).toMatchObject({ notifier: name, outcome: 'sent', attempts: 10, error: null });
  expect(rig.lines.map(({ level, msg }) => [level, msg])).toEqual([
    ['warn', 'a notification did not arrive; it is repeated'],
    ['info', 'notifications arrive again'],
  ]);
});

it('waits as long as the receiver asks', async () => {
  const rig = rigOf();
  const busy = { retryable: true, retryAfterMs: 90_000 };
  rig.notifier.answer = () => new WindrowError('overloaded', 'the receiver answered 429', busy);
  rig.enqueue(firing);
  rig.clock.advance(500);
  expect(await rig.settle()).toBe(90_000);
});

it('a clean restart repeats nothing; after one in the middle of sending the same goes out again', async () => {
  const rig = rigOf();
  rig.enqueue(firing);
  rig.clock.advance(500);
  // Taken by the receiver, but the program is gone before it can write that down.
  rig.notifier.answer = () => undefined;
  vi.spyOn(rig.store, 'finish').mockImplementation(() => {
    throw new Error('killed');
  });
  await rig.step();
  await expect(rig.step()).rejects.toThrow('killed');
  rig.restart();
  rig.enqueue(other);
  await rig.settle();
  rig.restart();
  await rig.settle();
  expect(sentTo(rig)).toEqual([['pc-1 firing'], ['pc-1 firing'], ['pc-2 firing']]);
  const [first, second, third] = rig.notifier.sent;
  expect(second).toEqual(first);
  expect(third?.key).not.toBe(first?.key);
});

it('a store that cannot be written repeats no notification: what became of the last is written first', async () => {
  const rig = rigOf();
  rig.enqueue(firing, resolved);
  rig.clock.advance(500);
  const finish = vi.spyOn(rig.store, 'finish').mockImplementation(() => {
    throw new Error('disk full');
  });
  await rig.step();
  await expect(rig.step()).rejects.toThrow('disk full');
  await expect(rig.step()).rejects.toThrow('disk full');
  finish.mockRestore();
  await rig.settle();
  expect(sentTo(rig)).toEqual([['pc-1 firing'], ['pc-1 resolved']]);
});

it('a notice that a flipped bit has spoilt is dropped, counted and told; the others are sent', async () => {
  const rig = rigOf();
  rig.enqueue(firing, other);
  rig.db.exec(`UPDATE queue_items SET body = replace(body, 'pc-1', 'qc-1')`);
  rig.clock.advance(500);
  await rig.settle();
  expect(sentTo(rig)).toEqual([['pc-2 firing']]);
  expect(rig.counts).toEqual({ dropped: 1, sent: 1 });
  expect(rig.store.count(name)).toBe(0);
  expect(rig.lines).toMatchObject([
    { level: 'error', notifier: name, file: rig.store.path, notices: 1 },
  ]);
  expect(rig.store.path).toMatch(/windrow\.db$/);
});

it('beyond the bound the oldest are dropped, counted, and the resolve of one is not sent', async () => {
  const rig = rigOf();
  rig.notifier.answer = () => down;
  rig.enqueue(madeNotice({ rule: 'first', enqueuedMs: noonMs }));
  rig.clock.advance(500);
  await rig.settle();
  rig.db.exec('BEGIN');
  rig.enqueue(
    firing,
    ...Array.from({ length: waitingMax }, (_, i) =>
      madeNotice({ server: `pc-${i + 2}`, enqueuedMs: noonMs }),
    ),
  );
  rig.db.exec('COMMIT');
  await rig.step();
  expect(rig.counts).toEqual({ dropped: 1 });
  // One more is on its way and does not wait.
  expect(rig.store.count(name)).toBe(waitingMax + 1);
  expect(outcomesOf(rig, firing)).toEqual(['firing dropped']);
  rig.enqueue(resolved);
  rig.notifier.answer = () => undefined;
  rig.clock.advance(60_000);
  await rig.settle();
  expect(outcomesOf(rig, firing)).toEqual(['resolved not needed']);
  // The resolve made one more too many.
  expect(rig.counts).toEqual({ dropped: 2, sent: waitingMax, 'not needed': 1 });
});

it('beyond the bound the end of what the receiver knows to fire is kept, and of what is on its way to it', async () => {
  const rig = rigOf();
  rig.enqueue(other);
  rig.clock.advance(500);
  await rig.settle();
  rig.notifier.answer = () => down;
  rig.enqueue(firing);
  await rig.settle();
  rig.db.exec('BEGIN');
  rig.enqueue(resolved, resolveOf(other));
  for (let i = 0; i < waitingMax + 600; i += 1) rig.enqueue(madeNotice({ server: `s-${i}` }));
  rig.db.exec('COMMIT');
  await rig.step();
  await rig.step();
  expect(rig.counts).toEqual({ sent: 1, dropped: 602 });
  rig.notifier.answer = () => undefined;
  rig.clock.advance(60_000);
  // What was on its way, and then the first of what waits.
  for (let i = 0; i < 3; i += 1) await rig.step();
  expect(sentTo(rig).map((notices) => notices.slice(0, 3))).toEqual([
    ['pc-2 firing'],
    ['pc-1 firing'],
    ['pc-1 resolved', 'pc-2 resolved', 's-602 firing'],
  ]);
});

it('the delivery log is bounded', async () => {
  const rig = rigOf();
  rig.db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    INSERT INTO deliveries SELECT i, 0, 'ops', 'old', 'firing', 'sent', 1, NULL FROM n`);
  rig.enqueue(firing, other);
  rig.clock.advance(500);
  await rig.settle();
  const [row] = rig.db.prepare('SELECT count(*) AS n, min(id) AS oldest FROM deliveries').all();
  expect(row).toEqual({ n: 10_000, oldest: 3 });
});

const lunch = silencesSchema.parse([
  {
    about: 'lunch',
    from: new Date(noonMs).toISOString(),
    until: new Date(noonMs + 3_600_000).toISOString(),
  },
]);

it('a silenced alert that ends in the silence is told to nobody', async () => {
  const rig = rigOf();
  rig.settings.silences = lunch;
  rig.enqueue(firing);
  rig.clock.advance(500);
  await rig.settle();
  rig.restart();
  rig.enqueue(resolved);
  rig.clock.advance(7_200_000);
  await rig.settle();
  expect(rig.notifier.sent).toEqual([]);
  expect(outcomesOf(rig, firing)).toEqual(['firing silenced', 'resolved not needed']);
});

it('an alert that still fires when its silence ends is told then, and its resolve, too', async () => {
  const rig = rigOf();
  rig.settings.silences = lunch;
  rig.enqueue(firing);
  rig.clock.advance(500);
  await rig.settle();
  rig.restart();
  rig.clock.advance(3_600_000);
  expect(await rig.settle()).toBe(500);
  rig.clock.advance(500);
  await rig.settle();
  expect(sentTo(rig)).toEqual([['pc-1 firing']]);
  expect(rig.delaysMs).toEqual([500]);
  rig.enqueue(resolved);
  await rig.settle();
  expect(outcomesOf(rig, firing)).toEqual(['firing silenced', 'firing sent', 'resolved sent']);
});

it('what a silence kept goes out together, whoever had it before', async () => {
  const rig = rigOf();
  rig.settings.silences = lunch;
  rig.enqueue(firing, { ...other, formerOwner: 'one' });
  rig.clock.advance(500);
  await rig.settle();
  rig.clock.advance(3_600_000);
  await rig.settle();
  rig.clock.advance(500);
  await rig.settle();
  expect(sentTo(rig)).toEqual([['pc-1 firing', 'pc-2 firing']]);
});

it('what is told after its silence and refused is given up once', async () => {
  const rig = rigOf();
  rig.settings.silences = lunch;
  rig.enqueue(firing);
  rig.clock.advance(500);
  await rig.settle();
  rig.notifier.answer = () => refusal;
  rig.clock.advance(3_600_000);
  for (let i = 0; i < 2 * refusalsMax + 10; i += 1) rig.clock.advance(await rig.settle());
  expect(outcomesOf(rig, firing)).toEqual(['firing silenced', 'firing given up']);
});

it('what was silenced when it began stays so although an outage delays it past the silence', async () => {
  const rig = rigOf();
  rig.settings.silences = lunch;
  rig.enqueue(firing, resolved);
  rig.clock.advance(7_200_000);
  await rig.settle();
  expect(rig.notifier.sent).toEqual([]);
});

it('what an outage delays into a silence waits for the end of it', async () => {
  const rig = rigOf();
  rig.notifier.answer = () => down;
  const beforeLunchMs = noonMs - 600_000;
  rig.clock.setWall(beforeLunchMs);
  rig.enqueue(
    madeNotice({ rule: 'on-its-way', enqueuedMs: beforeLunchMs }),
    madeNotice({ enqueuedMs: beforeLunchMs }),
  );
  rig.clock.advance(500);
  await rig.settle();
  rig.settings.silences = lunch;
  rig.notifier.answer = () => undefined;
  rig.clock.advance(1_200_000);
  await rig.settle();
  expect(rig.notifier.sent.map(({ notices }) => notices[0]?.rule)).toEqual(['on-its-way']);
  rig.clock.advance(3_600_000);
  rig.clock.advance(await rig.settle());
  await rig.settle();
  expect(rig.notifier.sent.map(({ notices }) => notices[0]?.rule)).toEqual([
    'on-its-way',
    'cpu-high',
  ]);
});

it('a resolve is sent in a silence when its firing was', async () => {
  const rig = rigOf();
  rig.enqueue(firing);
  rig.clock.advance(500);
  await rig.settle();
  rig.settings.silences = lunch;
  rig.enqueue(resolved);
  await rig.settle();
  expect(sentTo(rig)).toEqual([['pc-1 firing'], ['pc-1 resolved']]);
});

it('who forgets is reminded each minute of what still fires, also after a restart', async () => {
  const rig = rigOf();
  rig.enqueue(firing, other);
  rig.clock.advance(500);
  expect(await rig.settle()).toBe(idleMs);
  rig.restart();
  await rig.settle();
  rig.enqueue(resolved);
  await rig.settle();
  rig.clock.advance(idleMs);
  await rig.settle();
  expect(
    rig.notifier.reminded.map((notices) => notices.map(({ server }) => server).sort()),
  ).toEqual([['pc-1', 'pc-2'], ['pc-1', 'pc-2'], ['pc-2']]);
});
