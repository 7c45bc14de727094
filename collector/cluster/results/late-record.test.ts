import { expect, it } from 'vitest';
import { noonMs } from '../../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { WINDOW_RESULTS_TOPIC as topic } from '../../../wire/records/window-result.ts';
import { plausible } from '../../ingest/from-log.ts';
import { steady } from '../../ingest/testing/records.ts';
import { published, recordOf, useCollectors } from './testing/collectors.ts';
import { settle } from './testing/rig.ts';

const fixture = useCollectors();

it('a late record of a replaced collector takes nothing back, over a restart either', async () => {
  const { start, log } = fixture();
  const dataDir = temporaryFolder();
  const one = start('one', { dataDir });
  await one.send(steady(noonMs, 60));
  await settle();
  const known = { closedThroughMs: noonMs + 50_000, firstPaneMs: noonMs };
  expect(one.results.known('pc', '')).toEqual(known);
  const before = one.windows();
  const first = published(log).find(({ final }) => final);
  if (first === undefined) throw new Error('nothing is final');
  expect(first.closed_through_ms).toBeLessThan(noonMs + 50_000);
  const owner = { ...first.owner, id: 'two', run: 'earlier' };
  const partition = log.records(topic)[0]?.partition ?? 0;
  log.append({ ...recordOf({ ...first, first_pane_ms: null, owner }), partition });
  await settle();
  expect(one.results.known('pc', '')).toEqual(known);
  await one.kill();
  const again = start('one', { dataDir });
  await settle();
  expect(again.results.known('pc', '')).toEqual(known);
  // From where the open windows begin the log is read again.
  await again.send(steady(noonMs + 30_000, 30, { seq: 30 }), { isReread: true });
  await again.send(steady(noonMs + 60_000, 30, { seq: 60 }));
  await settle();
  expect(again.windows().slice(0, 6)).toEqual(before.slice(0, 6));
});

it('a record that closes windows of the future makes what comes late for a minute, not for a day', async () => {
  const { start, log, clock } = fixture();
  const one = start('one');
  const nowMs = clock.wallMs();
  await one.send(steady(nowMs - 60_000, 60));
  await settle();
  const [good] = published(log);
  if (good === undefined) throw new Error('nothing published');
  one.release();
  const owner = { ...good.owner, id: 'two', run: 'other' };
  const dayMs = 24 * 3_600_000;
  log.append(recordOf({ ...good, closed_through_ms: nowMs + dayMs, owner }));
  await settle();
  clock.advance(120_000);
  await one.send(steady(nowMs, 120, { seq: 60 }));
  const { delivery } = one.registry.find('pc', '')!;
  expect(delivery.late).toBe(120);
  clock.advance(180_000);
  await one.send(steady(nowMs + 120_000, 180, { seq: 180 }));
  // Those of the minute that is still to come, then.
  expect(delivery.late).toBe(180);
  expect(one.windows().length).toBeGreaterThan(8);
});

it('windows of a server whose times were dated here may be closed hours ahead', async () => {
  const closed = { closedThroughMs: noonMs + 8 * 3_600_000, firstPaneMs: noonMs };
  const at = (datedHere: boolean) =>
    plausible(closed, { nowMs: noonMs, newestMs: noonMs, slideMs: 10_000, datedHere });
  expect(at(true)).toEqual(closed);
  expect(at(false)).toEqual({ ...closed, closedThroughMs: noonMs + 60_000 });
  const none = { closedThroughMs: null, firstPaneMs: null };
  const by = { nowMs: noonMs, newestMs: noonMs, slideMs: 10_000, datedHere: false };
  expect(plausible(none, by)).toEqual(none);
});

it('a new owner whose clock is minutes behind makes no final window again', async () => {
  const { start, log, clock } = fixture();
  const one = start('one');
  const fromMs = noonMs - 60_000;
  await one.send(steady(fromMs, 60));
  await settle();
  const made = published(log).filter(({ final }) => final);
  expect(made.length).toBeGreaterThan(3);
  const before = one.windows();
  one.release();
  const two = start('two');
  await settle();
  clock.setWall(noonMs - 180_000);
  // What it reads again from where the open windows begin: a part of what the final ones hold.
  await two.send(steady(noonMs - 30_000, 30, { seq: 30 }));
  await two.send(steady(noonMs, 30, { seq: 60 }));
  // No window is final before this clock has passed it.
  clock.advance(300_000);
  await two.send(steady(noonMs + 30_000, 30, { seq: 90 }));
  await settle();
  const again = published(log)
    .filter(({ owner, final }) => owner.id === 'two' && final)
    .map(({ start_ms }) => start_ms);
  const finals = new Set(made.map(({ start_ms }) => start_ms));
  expect(again.length).toBeGreaterThan(3);
  expect(again.filter((startMs) => finals.has(startMs))).toEqual([]);
  expect(two.windows().slice(0, made.length)).toEqual(before.slice(0, made.length));
});

it('what windows lack is known as it was told last, over a restart too, and not for a time to come', async () => {
  const { start, log } = fixture();
  const dataDir = temporaryFolder();
  const one = start('one', { dataDir });
  await one.send(steady(noonMs, 60));
  await settle();
  const [first] = published(log);
  if (first === undefined) throw new Error('nothing published');
  const owner = { ...first.owner, id: 'two', run: 'other' };
  const partition = log.records(topic)[0]?.partition ?? 0;
  const lacksBeforeMs = noonMs + 20_000;
  log.append({ ...recordOf({ ...first, lacks_before_ms: lacksBeforeMs, owner }), partition });
  // Of one that has not heard of it.
  log.append({ ...recordOf({ ...first, owner }), partition });
  await settle();
  expect(one.results.known('pc', '')).toMatchObject({ lacksBeforeMs });
  await one.kill();
  const again = start('one', { dataDir });
  await settle();
  const known = again.results.known('pc', '');
  if (known === undefined) throw new Error('nothing is known');
  expect(known).toMatchObject({ lacksBeforeMs });
  const by = { nowMs: noonMs, newestMs: noonMs, slideMs: 10_000, datedHere: false };
  expect(plausible(known, by)).toMatchObject({ lacksBeforeMs });
  const ahead = { ...known, lacksBeforeMs: noonMs + 3_600_000 };
  expect(plausible(ahead, by)).toMatchObject({ lacksBeforeMs: noonMs + 60_000 });
});
