import { describe, expect, it, vi } from 'vitest';
import { createManualClock, noonMs } from '../../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { WINDOW_RESULTS_TOPIC as topic } from '../../../wire/records/window-result.ts';
import { createMemoryLog, type MemoryLog } from '../../../wire/transport/log/memory.ts';
import type { LogReader, PartitionOffset } from '../../../wire/transport/log/port.ts';
import { endOfReplay, sample, steady } from '../../ingest/testing/records.ts';
import { resultPositions, storedResults } from '../../store/results.ts';
import { count } from '../../store/testing/rows.ts';
import { published, recordOf, serverOf, stateOf, useCollectors } from './testing/collectors.ts';
import { settle } from './testing/rig.ts';

const fixture = useCollectors();
const { signal } = new AbortController();
const broken = { topic, key: Buffer.from('pc'), value: Buffer.from('{') };

it('the windows of one collector are in the exports of the other, digit for digit', async () => {
  const { start } = fixture();
  const [one, two] = [start('one'), start('two')];
  await one.send(steady(noonMs, 60, { mem_pct: 100 / 3, net_in: 1e17 + 0.1 }));
  await two.send(steady(noonMs, 45, { server_id: 'other', disk_io: 5e-324 }));
  await settle();
  expect(one.windows().length).toBeGreaterThan(8);
  expect(two.windows()).toEqual(one.windows());
  expect(serverOf(two)).toMatchObject({
    isOurs: false,
    owner: { id: 'one', url: 'http://one:7861', sourceNo: 1 },
  });
  expect(serverOf(one)).toMatchObject({ isOurs: true, owner: undefined });
  expect(two.results.known('pc', '')).toEqual(one.results.known('pc', ''));
  expect(two.results.known('pc', '')).toEqual({
    closedThroughMs: noonMs + 50_000,
    firstPaneMs: noonMs,
  });
  expect(two.results.known('nobody', '')).toBeUndefined();
});

it('fleet windows are of all servers, and the same on each collector', async () => {
  const { start, clock } = fixture();
  const [one, two] = [start('one'), start('two')];
  clock.setWall(noonMs);
  for (let second = 0; second < 80; second += 1) {
    const at = noonMs + second * 1_000;
    await one.send([sample({ ts: at, seq: second, cpu_pct: second })]);
    await two.send([sample({ ts: at, seq: second, cpu_pct: 100 - second, server_id: 'other' })]);
    await one.pass(1);
    two.ingest.tick();
    await settle();
  }
  // Windows that end at 10 s, 20 s … 70 s, each of two servers.
  expect(
    one
      .fleet()
      .slice(1)
      .map((line) => line.split(',')[2]),
  ).toEqual(Array(7).fill('2'));
  expect(two.fleet()).toEqual(one.fleet());
});

it('a fleet window waits for the servers of other collectors, and not for those that are silent', async () => {
  const { start, clock } = fixture();
  const [one, two] = [start('one'), start('two')];
  clock.setWall(noonMs + 30_000);
  await two.send(steady(noonMs - 30_000, 30, { server_id: 'other' }));
  await one.send(steady(noonMs - 30_000, 60));
  await settle();
  one.ingest.tick();
  await settle();
  const endsOf = (lines: readonly string[]) => lines.slice(1).map((line) => line.split(',')[1]);
  const at = (seconds: number) => new Date(noonMs + seconds * 1_000).toISOString();
  expect(endsOf(one.fleet())).toEqual([at(-20), at(-10)]);
  clock.advance(61_000);
  await one.send([sample({ ts: noonMs + 30_000, seq: 60 })]);
  // Once it has asked for more and heard of nothing.
  await vi.advanceTimersByTimeAsync(1_000);
  await one.pass(1);
  expect(endsOf(one.fleet())).toEqual([at(-20), at(-10), at(0), at(10), at(20)]);
});

it('a fleet window waits for a server that is another collector’s by now', async () => {
  const { start, clock } = fixture();
  const [one, two] = [start('one'), start('two')];
  clock.setWall(noonMs + 34_000);
  const other = { server_id: 'other' };
  await one.send([...steady(noonMs, 35), ...steady(noonMs, 35, other)]);
  await one.pass(1);
  const rows = () => one.fleet().map((line) => line.split(',').slice(1, 3).join(' '));
  const before = rows();
  expect(before.slice(1).map((row) => row.split(' ')[1])).toEqual(['2', '2']);
  one.ingest.letGo([serverOf(one, 'other')]);
  clock.setWall(noonMs + 39_000);
  // Its window that ends at 30 s is final, the other's is another's to make.
  await one.send(steady(noonMs + 35_000, 5, { seq: 35 }));
  await one.pass(2);
  expect(rows()).toEqual(before);
  await two.send(steady(noonMs, 40, other));
  await vi.advanceTimersByTimeAsync(1_000);
  await one.pass(1);
  expect(rows()).toEqual([...before, `${new Date(noonMs + 30_000).toISOString()} 2`]);
});

it('what is provisional never replaces what is final, in whatever order they come', async () => {
  const { start, log } = fixture();
  const one = start('one');
  await one.send(steady(noonMs, 60));
  await settle();
  const before = one.windows();
  const results = published(log);
  const final = results.find(({ final, warm_up }) => final && !warm_up);
  if (final === undefined) throw new Error('no final window');
  const owner = { ...final.owner, id: 'two', run: 'old' };
  const late = { ...final, final: false, samples: 1, owner };
  log.append(recordOf(late));
  await settle();
  expect(one.windows()).toEqual(before);
  // But one that is final does, as it does everywhere.
  log.append(recordOf({ ...late, final: true }));
  await settle();
  expect(one.windows()).not.toEqual(before);
  expect(one.ingest.counts.quarantined).toBe(0);
});

describe('a collector that starts again', () => {
  it('reads on where its store has come to, and knows what it knew', async () => {
    const { start, clock } = fixture();
    const dataDir = temporaryFolder();
    const one = start('one');
    const two = start('two', { dataDir });
    await one.send(steady(noonMs, 60));
    await settle();
    await two.kill();
    await one.send(steady(noonMs + 60_000, 60, { seq: 60 }));

    const opened = Promise.withResolvers<void>();
    let from: readonly PartitionOffset[] = [];
    const through = (reader: LogReader): LogReader => ({
      end: (signal) => reader.end(signal),
      async follow(positions, handlers, end) {
        from = positions;
        await opened.promise;
        await reader.follow(positions, handlers, end);
      },
    });
    const again = start('two', { dataDir, through });
    expect(from).toMatchObject([{ topic, partition: expect.any(Number) as number, offset: 5 }]);
    expect(again.results.known('pc', '')?.closedThroughMs).toBe(noonMs + 50_000);
    expect(serverOf(again)).toMatchObject({ isOurs: false, owner: { id: 'one' } });
    expect(stateOf(again, clock)).toBe('up');
    opened.resolve();
    await settle();
    expect(again.windows()).toEqual(one.windows());
    expect(count(again.db, 'windows')).toBe(11);
    expect(again.told.filter((line) => line === 'changed pc')).toEqual([]);
  });

  it('makes no window again that it had published, and each that it had not', async () => {
    const { start, log, clock } = fixture();
    const dataDir = temporaryFolder();
    const [one, two] = [start('one', { dataDir }), start('two')];
    const records = steady(noonMs, 60);
    await one.send(records);
    await settle();
    const uninterrupted = one.windows();
    log.failSends(1_000);
    const more = steady(noonMs + 60_000, 60, { seq: 60 });
    await one.send(more);
    await one.kill();
    log.failSends(0);
    const toBeMade = log.records(topic).length;

    const again = start('one', { dataDir });
    await settle();
    await again.results.caughtUp(signal);
    await again.send(records, { isReread: true });
    expect(log.records(topic).length).toBe(toBeMade);
    await again.send(more, { isReread: true });
    await settle();
    expect(log.records(topic).length).toBe(toBeMade + 6);
    expect(again.windows().slice(0, uninterrupted.length)).toEqual(uninterrupted);
    expect(two.windows()).toEqual(again.windows());
    expect(again.windows().length).toBe(uninterrupted.length + 6);
    clock.advance(1);
  });

  it.each([
    ['no result', (log: MemoryLog, partition: number) => log.append({ ...broken, partition })],
    [
      'unreadable',
      (log: MemoryLog, partition: number) => log.spoil({ topic, partition }, 'broken'),
    ],
  ])('puts what was %s aside once, though it came behind records of its own', async (_, spoil) => {
    const { start, log } = fixture();
    const dataDir = temporaryFolder();
    const one = start('one', { dataDir });
    await one.send(steady(noonMs, 60));
    await settle();
    await one.send(steady(noonMs + 60_000, 20, { seq: 60 }));
    await settle();
    const [partition = 0] = log.records(topic).map((record) => record.partition);
    spoil(log, partition);
    await settle();
    await one.kill();
    const again = start('one', { dataDir });
    await settle();
    await again.results.caughtUp(signal);
    expect(count(again.db, 'quarantine')).toBe(1);
  });

  it('finds what it had published itself, where its own store was lost', async () => {
    const { start } = fixture();
    const one = start('one');
    await one.send(steady(noonMs, 60));
    await settle();
    const before = one.windows();
    await one.kill();
    const again = start('one');
    await settle();
    expect(again.windows()).toEqual(before);
    // It is its own: no link leads to itself.
    expect(serverOf(again).owner).toBeUndefined();
  });
});

it('of a compacted topic the newest of each key tells how far all windows are closed', async () => {
  const first = fixture();
  const one = first.start('one');
  const replay = { boot_id: 'f'.repeat(64), origin_ms: noonMs - 86_400_000 };
  await one.send(steady(noonMs, 60));
  await one.send(steady(noonMs, 90, { server_id: 'other' }));
  // The same name in a file: its windows must not take the place of the live server's.
  await one.send(steady(replay.origin_ms, 60, replay));
  await one.send([endOfReplay(replay.boot_id, replay.origin_ms)]);
  await settle();
  const clock = createManualClock(noonMs + 120_000);
  const compacted = createMemoryLog({ topics: { [topic]: 3 }, clock });
  const newest = new Map(
    first.log.records(topic).map((record) => [record.key?.toString(), record]),
  );
  expect(newest.size).toBe(3);
  for (const { partition, key, value } of newest.values()) {
    compacted.append({ topic, partition, key, value });
  }
  const two = fixture(compacted).start('two');
  await settle();
  for (const [name, replayId] of [
    ['pc', ''],
    ['other', ''],
    ['pc', replay.boot_id],
  ] as const) {
    expect(two.results.known(name, replayId)).toEqual(one.results.known(name, replayId));
    expect(two.results.known(name, replayId)?.closedThroughMs).toBeGreaterThan(0);
  }
  expect(two.registry.find('pc', replay.boot_id)).toMatchObject({ closed: true, off: false });
  expect(two.windows().length).toBe(1 + 3);
});

it('a replayed file is whole in the exports of each collector, whoever had which server of it', async () => {
  const { start } = fixture();
  const [one, two] = [start('one'), start('two')];
  const file = { boot_id: 'a'.repeat(64), origin_ms: noonMs - 86_400_000 };
  await one.send(steady(file.origin_ms, 60, { ...file, server_id: 'a' }));
  await two.send(steady(file.origin_ms, 60, { ...file, server_id: 'b' }));
  for (const each of [one, two]) await each.send([endOfReplay(file.boot_id, file.origin_ms)]);
  await one.pass(1);
  await two.pass(1);
  expect(one.windows().length).toBe(1 + 2 * 8);
  expect(two.windows()).toEqual(one.windows());
  expect(
    one
      .fleet()
      .slice(1)
      .map((line) => line.split(',')[2]),
  ).toEqual(Array(8).fill('2'));
  expect(two.fleet()).toEqual(one.fleet());
});

it('windows that wait for their commit when a server goes are not told when it is back', async () => {
  const { start, log } = fixture();
  const one = start('one');
  const sent = one.send(steady(noonMs, 60));
  one.release();
  // It is back before the commit, and the log is read again.
  const again = one.send(steady(noonMs, 90), { isReread: true });
  await Promise.all([sent, again]);
  await settle();
  const ends = published(log).map(({ end_ms }) => end_ms);
  expect(ends.length).toBeGreaterThan(5);
  expect(new Set(ends).size).toBe(ends.length);
});

it('what is forgotten goes from the topic too, and ends where it is another’s', async () => {
  const { start, log, clock } = fixture();
  const [one, two] = [start('one'), start('two')];
  await one.send(steady(noonMs, 60));
  await settle();
  one.results.forget(serverOf(one), true);
  await settle();
  expect(log.records(topic).at(-1)).toMatchObject({ key: Buffer.from('pc'), value: undefined });
  expect(two.results.known('pc', '')).toBeUndefined();
  expect(count(two.db, 'results')).toBe(0);
  expect(stateOf(two, clock)).toBe('decommissioned');
});

it('what a collector published itself is stored anew every 2 s, what others did and what is first of a server at once', async () => {
  const { start, clock, log } = fixture();
  const [one, two] = [start('one'), start('two')];
  const stored = ({ db }: typeof one) => [
    [...storedResults(db)].map(({ result }) => result.end_ms),
    [...resultPositions(db).values()].map(({ offset }) => offset),
  ];
  await one.send(steady(noonMs, 60));
  await settle();
  const first = [[noonMs + 50_000], [5]];
  expect(stored(two)).toEqual(first);
  expect(stored(one)).toEqual(first);
  await one.send(steady(noonMs + 60_000, 20, { seq: 60 }));
  await settle();
  const next = [[noonMs + 70_000], [7]];
  expect(stored(two)).toEqual(next);
  expect(stored(one)).toEqual(first);
  // It is known nevertheless: what the others hear of a new state is the newest.
  expect(one.results.known('pc', '')).toEqual(two.results.known('pc', ''));
  one.results.tell(serverOf(one));
  await settle();
  expect(
    published(log)
      .map(({ end_ms }) => end_ms - noonMs)
      .slice(-2),
  ).toEqual([70_000, 70_000]);
  clock.advance(1_999);
  one.results.tick(false);
  await settle();
  expect(stored(one)).toEqual(first);
  clock.advance(1);
  one.results.tick(false);
  await settle();
  expect(stored(one)).toEqual([[noonMs + 70_000], [8]]);
  // Whoever stops leaves nothing of it behind.
  one.results.tell(serverOf(one));
  await settle();
  expect(one.writer.group.results.size).toBe(0);
  await one.results.stop();
  expect(one.writer.group.results.size).toBe(1);
});
