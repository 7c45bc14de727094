/** What a collector makes of topics that come, go, or do not fit together. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { ALERTS_TOPIC } from '../../wire/records/alert-record.ts';
import { INVENTORY_TOPIC, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import { seedA, steady } from '../ingest/testing/records.ts';
import { alertFleet, serverIn } from './alerts/testing/fleet.ts';
import { append, GROUP, type Member, pass, send, startMember } from './testing/members.ts';
import { finals, fleet, pc, samples } from './testing/stage.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const spec = { partitions: 3, replicas: 1, settings: {} };
const never = new AbortController().signal;

it('topics of one server with unequal partitions are read by one collector alone, and by several when they are equal', async () => {
  const f = fleet({ 'topic-cpu': 2 });
  const uneven = ({ lines }: Member) =>
    lines.filter(({ msg }) => msg.startsWith('partitions differ'));
  const one = await f.start('one');
  await f.pass(1);
  expect(one.cluster.failure).toBeUndefined();
  expect(uneven(one)).toMatchObject([{ level: 'warn' }]);
  const two = await f.start('two');
  await f.pass(2);
  const last = uneven(one).at(-1);
  expect(last?.msg).toContain('partitions differ: topic-cpu 2, topic-mem 3');
  expect(last?.msg).toContain('so they are not read; all else is');
  expect(last?.['hint']).toContain('equally many partitions');
  append(f, [seedA('cpu', f.clock.wallMs(), { cpu_pct: 1 })]);
  await f.sendEachSecond(20);
  const both = () => samples(one).length + samples(two).length;
  expect([one.cluster.failure, two.cluster.failure]).toEqual([undefined, undefined]);
  expect(both()).toBe(20);
  expect([uneven(one).length, uneven(two).length]).toEqual([2, 1]);
  f.log.grow('topic-cpu', 3);
  await f.pass(2);
  expect(both()).toBe(21);
  expect(one.lines.at(-2)?.msg).toContain('equally many partitions again');
});

it('samples with fewer partitions than other topics: who may have none of the servers is told, once, and that it is over', async () => {
  const f = fleet({ [SAMPLES_TOPIC]: 1, [INVENTORY_TOPIC]: 1 });
  const members = [await f.start('one'), await f.start('two')];
  const toldBy = ({ lines }: Member) =>
    lines.filter(({ msg }) => /^partitions differ|equally many/.test(msg));
  await f.sendEachSecond(12);
  // The sources of agents are one's; nothing is wrong otherwise.
  expect(members.map((member) => samples(member).length).toSorted((a, b) => a - b)).toEqual([
    0, 12,
  ]);
  for (const member of members) {
    expect(toldBy(member)).toEqual([
      {
        level: 'warn',
        msg: 'partitions differ: topic-cpu 3, topic-disk 3, topic-mem 3, topic-net 3, windrow-inventory 1, windrow-samples 1; servers of agents are in 1 of the 3 slots that collectors share: at most 1 collector has any, and of several one may have none',
        hint: "Give agents' topics as many (kafka-topics.sh --alter --topic windrow-samples --partitions 3 and kafka-topics.sh --alter --topic windrow-inventory --partitions 3), best while one collector runs: keys move; set kafka.partitions alike on agents and collectors.",
      },
    ]);
  }
  f.log.grow(INVENTORY_TOPIC, 3);
  f.log.grow(SAMPLES_TOPIC, 2);
  await f.pass(2);
  for (const member of members) {
    const hint = String(toldBy(member).at(-1)?.['hint']);
    expect(hint).toContain('--topic windrow-samples --partitions 3), best');
    expect(toldBy(member).at(-1)?.msg).toContain('in 2 of the 3 slots');
  }
  f.log.grow(SAMPLES_TOPIC, 3);
  await f.pass(2);
  for (const member of members) {
    expect(toldBy(member).at(-1)).toMatchObject({ level: 'info' });
  }
});

it('a log that lost its end: what is left fills windows again and is stored once, what comes then is new', async () => {
  const f = fleet();
  const before = await f.start('one');
  append(f, [seedA('cpu', f.clock.wallMs(), { cpu_pct: 1 })]);
  await f.sendEachSecond(65);
  before.kill();
  f.log.loseEnd(SAMPLES_TOPIC, 2);
  const member = await f.start('one');
  await f.pass(2);
  await f.sendEachSecond(60, 65);
  await f.pass(3);
  expect(samples(member)).toHaveLength(65 + 60 + 1);
  expect(member.ingest.counts).toMatchObject({ duplicates: 0, late: 0 });
  // Of the windows that were open only what is lost is missing: two seconds, and two in which nothing was sent.
  const counts = finals(member).map(({ startMs, samples: n }) => [startMs - f.fromMs, n]);
  expect(counts.filter(([startMs = 0]) => startMs >= 20_000 && startMs <= 70_000)).toEqual([
    [20_000, 30],
    [30_000, 30],
    [40_000, 26],
    [50_000, 26],
    [60_000, 26],
    [70_000, 30],
  ]);
});

it('a topic that is deleted and made anew while it is read is taken in from its beginning', async () => {
  const f = fleet();
  const member = await f.start('one');
  await f.sendEachSecond(30);
  f.log.remove(SAMPLES_TOPIC);
  await f.pass(1);
  await f.log.admin().ensure([{ ...spec, name: SAMPLES_TOPIC }], never);
  const other = { ...pc, boot_id: 'other' };
  for (let i = 0; i < 40; i += 1) {
    send(f, steady(f.clock.wallMs(), 1, { seq: i, boot_id: 'other' }), other);
    await f.pass(1);
  }
  expect(samples(member)).toHaveLength(70);
  expect(member.ingest.counts).toMatchObject({ received: 70, duplicates: 0, late: 0, lost: 0 });
  expect(f.committed()).toBeLessThan(40);
  member.kill();
  const again = await f.start('one');
  await f.pass(2);
  expect(samples(again)).toHaveLength(70);
});

it.each(['goes on', 'starts anew soon after', 'is killed, so that another takes over'])(
  'windows that were open when a topic was deleted are incomplete, those behind are not; a collector that %s',
  async (what) => {
    const f = fleet();
    let member = await f.start('one');
    await f.sendEachSecond(60);
    f.log.remove(SAMPLES_TOPIC);
    await f.pass(1);
    await f.log.admin().ensure([{ ...spec, name: SAMPLES_TOPIC }], never);
    await f.sendEachSecond(5, 60);
    if (what !== 'goes on') {
      member.kill();
      member = await f.start(what === 'starts anew soon after' ? 'one' : 'two');
    }
    await f.sendEachSecond(60, 65);
    // Samples lie at 0 … 59 s, and from 61 s on in the new topic. Of the window at 30 s nothing is left.
    const made = finals(member)
      .filter(({ startMs }) => startMs > f.fromMs)
      .map((window) => [
        (window.startMs - f.fromMs) / 1_000,
        window.samples,
        window.incomplete ? 'incomplete' : '',
      ]);
    expect(made).toEqual([
      [10, 30, ''],
      [20, 30, ''],
      [40, 9, 'incomplete'],
      [50, 19, 'incomplete'],
      [60, 29, 'incomplete'],
      [70, 30, ''],
      [80, 30, ''],
      [90, 30, ''],
    ]);
  },
);

it('a collector that ends before it commits or publishes anything has lost nothing', async () => {
  const f = fleet();
  const first = await f.start('one');
  f.log.failSends(1_000);
  for (let i = 0; i < 60; i += 1) send(f, steady(f.clock.wallMs() + i * 1_000, 1, { seq: i }), pc);
  f.clock.advance(60_000);
  await vi.advanceTimersByTimeAsync(500);
  expect(finals(first).length).toBeGreaterThan(3);
  expect(f.log.committed(GROUP)).toEqual([]);
  first.kill();
  f.log.failSends(0);
  const second = await f.start('one');
  await f.sendEachSecond(30, 60);
  const made = finals(second).map(({ startMs, incomplete }) => [startMs - f.fromMs, incomplete]);
  expect(made.slice(0, 3)).toEqual([
    [-20_000, false],
    [-10_000, false],
    [0, false],
  ]);
});

it('in window-results that are made anew collectors find how far windows are closed', async () => {
  const f = fleet();
  const one = await f.start('one');
  await f.sendEachSecond(60);
  const closed = finals(one);
  f.log.remove(WINDOW_RESULTS_TOPIC);
  await f.log.admin().ensure([{ ...spec, name: WINDOW_RESULTS_TOPIC }], never);
  await f.pass(3);
  expect(f.log.records(WINDOW_RESULTS_TOPIC)).toHaveLength(1);
  expect(one.lines.some(({ msg }) => msg.includes('was made anew'))).toBe(true);
  one.kill();
  // It knows nothing but what is in the topic, and has only what the open windows need.
  const two = await f.start('two');
  await f.sendEachSecond(30, 60);
  const before = new Set(closed.map(({ startMs }) => startMs));
  expect(finals(two).filter(({ startMs }) => before.has(startMs))).toEqual(closed.slice(-1));
  // For three seconds nothing was sent.
  expect(
    finals(two)
      .slice(1)
      .map(({ samples: n }) => n),
  ).toEqual([30, 27, 27]);
});

it('in a topic of alerts that is made anew collectors find those that are open', async () => {
  const f = alertFleet();
  const one = f.start('one');
  await f.run(60, { [serverIn(0)]: 99, [serverIn(1)]: 50 });
  expect(f.told()).toEqual([`firing cpu ${serverIn(0)}`]);
  f.log.remove(ALERTS_TOPIC);
  await f.log.admin().ensure([{ ...spec, name: ALERTS_TOPIC }], never);
  await f.run(3);
  expect([...f.topic().keys()]).toEqual([`cpu|${serverIn(0)}`]);
  one.kill();
  const two = f.start('two');
  await f.run(1);
  expect(f.shownBy(two)).toEqual([`firing cpu ${serverIn(0)}`]);
  await f.run(60, { [serverIn(0)]: 10, [serverIn(1)]: 50 });
  expect(f.told()).toEqual([`firing cpu ${serverIn(0)}`, `resolved cpu ${serverIn(0)}`]);
});

it('a log that was made anew is taken in from its beginning', async () => {
  const before = fleet();
  const dataDir = temporaryFolder();
  const first = startMember({ fleetLog: before, name: 'one', dataDir });
  send(before, steady(before.fromMs, 20), pc);
  await pass(2, before.clock, [first]);
  await first.stop();
  const after = fleet();
  send(after, steady(after.fromMs, 30, { boot_id: 'other' }), { ...pc, boot_id: 'other' });
  const second = startMember({ fleetLog: after, name: 'one', dataDir });
  onTestFinished(() => second.db.close());
  await pass(2, after.clock, [second]);
  expect(samples(second)).toHaveLength(50);
});
