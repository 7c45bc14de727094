import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { METRICS } from '../../wire/metrics.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import { endOfReplay, sample, seedA, seedB, steady } from '../ingest/testing/records.ts';
import { count } from '../store/testing/rows.ts';
import { append, GROUP, type Member, send } from './testing/members.ts';
import { finals, fleet, pc, samples } from './testing/stage.ts';
import { changedConsumer } from '../../wire/transport/log/testing/changed-consumer.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const quarantined = ({ db }: Member) =>
  db.prepare('SELECT topic, remote, reason FROM quarantine ORDER BY id').all();

it('takes in what is in the log, makes windows, and commits what no open window needs', async () => {
  const f = fleet();
  const member = await f.start('one');
  await f.sendEachSecond(60);
  expect(samples(member)).toHaveLength(60);
  const starts = finals(member).map(({ startMs }) => startMs - f.fromMs);
  expect(starts).toEqual([-20_000, -10_000, 0, 10_000, 20_000]);
  // Windows until 50 s are final; those behind begin at 30 s.
  expect(f.committed()).toBe(30);
});

it('what is stored and not on the disk yet is neither committed nor told the others', async () => {
  const f = fleet();
  const disk = Promise.withResolvers<void>();
  const seen: string[] = [];
  const wal = {
    unsynced: (work: () => void) => {
      work();
      seen.push('committed');
    },
    sync: () => disk.promise,
    close: async () => {},
  };
  const onSend = (_member: Member, topic: string): void => void seen.push(topic);
  const member = await f.start('one', undefined, { wal, onSend });
  send(f, steady(f.fromMs, 60, { seq: 0 }), pc);
  f.clock.advance(60_000);
  await f.pass(5);
  expect(finals(member)).toHaveLength(5);
  expect(f.log.committed(GROUP)).toEqual([]);
  // That there is such a server may be told before anything of it is stored.
  expect(seen.at(-1)).toBe('committed');
  disk.resolve();
  await f.pass(2);
  expect(f.committed()).toBe(30);
  expect(seen.slice(seen.indexOf('committed'))).toContain(WINDOW_RESULTS_TOPIC);
});

it('what is read again after a kill makes no row, no count and no live event', async () => {
  const f = fleet();
  const first = await f.start('one');
  await f.sendEachSecond(40);
  first.kill();
  const second = await f.start('one');
  await f.pass(2);
  expect(second.lines.find(({ msg }) => msg === 'reads these partitions of the log')).toMatchObject(
    {
      behind: 40 - f.committed(),
    },
  );
  expect(samples(second)).toHaveLength(40);
  expect(second.shown()).toBe(0);
  expect(second.ingest.counts).toMatchObject({ received: 0, duplicates: 0, late: 0, lost: 0 });
  await f.sendEachSecond(30, 40);
  // For two seconds nothing was sent.
  expect(finals(second).at(-1)).toMatchObject({ samples: 28, startMs: f.fromMs + 30_000 });
});

it('a cumulative counter has its rate after a kill too: the reading before is read again with it', async () => {
  const f = fleet();
  const first = await f.start('one');
  const measure = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i += 1) {
      const bytes = 1_000 * i;
      append(f, [seedB(f.clock.wallMs(), { recv: bytes, sent: bytes, read: bytes, write: 0 })]);
      await f.pass(1);
    }
  };
  await measure(0, 60);
  first.kill();
  const second = await f.start('one');
  await measure(60, 120);
  const netIn = METRICS.indexOf('net_in');
  const rates = finals(second).map(({ aggregates }) => aggregates[netIn]);
  expect(rates.map((rate) => rate?.count)).toEqual([9, 19, 29, ...Array(8).fill(30)]);
  expect(new Set(rates.map((rate) => rate?.max))).toEqual(new Set([1_000]));
});

it('what came twice and is read again after a kill fills a window once', async () => {
  const f = fleet();
  const first = await f.start('one');
  await f.sendEachSecond(25);
  send(f, steady(f.fromMs + 10_000, 10, { seq: 10 }), pc);
  await f.pass(1);
  expect(first.ingest.counts).toMatchObject({ received: 25, duplicates: 10 });
  first.kill();
  const second = await f.start('one');
  await f.sendEachSecond(30, 25);
  const full = finals(second).find(({ startMs }) => startMs === f.fromMs);
  // In one second nothing was sent.
  expect(full?.samples).toBe(29);
});

it('what nobody sent together is judged one by one, however much of it is read at once', async () => {
  const f = fleet();
  f.clock.advance(60_000);
  const reading = (seconds: number) => seedB(f.fromMs + seconds * 1_000, undefined);
  append(f, [...Array.from({ length: 20 }, (_, i) => reading(i + 20)), reading(1)]);
  const member = await f.start('one');
  await f.pass(1);
  expect(member.ingest.counts).toMatchObject({ received: 21, late: 1 });
});

it('a stop in good order commits, so that the next start reads no more than open windows need', async () => {
  const f = fleet();
  const first = await f.start('one');
  for (let i = 0; i < 40; i += 1) send(f, steady(f.fromMs + i * 1_000, 1, { seq: i }), pc);
  f.clock.advance(40_000);
  await vi.advanceTimersByTimeAsync(50);
  expect(f.log.committed(GROUP)).toEqual([]);
  await first.stop();
  // Windows until 30 s are final.
  expect(f.committed()).toBe(10);
});

it('a batch that is read in two parts makes nothing of its second part late', async () => {
  const f = fleet();
  const member = await f.start('one');
  f.clock.advance(300_000);
  const [newest, ...older] = steady(f.fromMs, 200, { seq: 0 }).toReversed();
  const sent_at = f.clock.wallMs();
  send(f, [newest!], { ...pc, sent_at, pending_from_ms: f.fromMs });
  const backlog = older.toReversed();
  // The last of what waited: its header says that nothing waits any longer.
  send(f, backlog.slice(0, 70), { ...pc, sent_at: sent_at + 1 });
  await f.pass(2);
  send(f, backlog.slice(70), { ...pc, sent_at: sent_at + 1 });
  await f.pass(2);
  expect(member.ingest.counts).toMatchObject({ received: 200, late: 0 });
});

it('poison is put aside with its place and reason, once, and stops nothing', async () => {
  const f = fleet({ [SAMPLES_TOPIC]: 1 });
  const first = await f.start('one');
  const key = Buffer.from('pc');
  const poison = { topic: SAMPLES_TOPIC, partition: 0, key, headers: new Map() };
  f.log.append({ ...poison, value: Buffer.from('{') });
  f.log.append({ ...poison, value: undefined });
  f.log.append({ ...poison, value: Buffer.alloc(300_000, 'x') });
  f.log.append({ ...poison, value: Buffer.from('{"v":9,"server_id":"pc"}') });
  const { topic, value } = sample({ server_id: 'other', ts: f.fromMs, seq: 0 });
  send(f, [{ topic, value, key: 'pc' }]);
  send(f, steady(f.fromMs, 1), pc);
  await f.pass(2);
  const remotes = quarantined(first).map(({ remote }) => remote);
  expect(remotes).toEqual([0, 1, 2, 3, 4].map((at) => `kafka ${SAMPLES_TOPIC}/0@${at}`));
  expect(quarantined(first).map(({ reason }) => reason)).toEqual([
    'not JSON',
    'tombstone: it has no value',
    'longer than 262144 bytes',
    expect.stringContaining('sample v'),
    'key is not the server_id',
  ]);
  expect(first.ingest.counts).toMatchObject({ received: 1, quarantined: 5 });
  first.kill();
  const second = await f.start('one');
  await f.pass(2);
  expect(count(second.db, 'quarantine')).toBe(5);
  expect(second.ingest.counts.quarantined).toBe(0);
});

it('while the store cannot be written nothing more is read, and then all of it, once', async () => {
  const f = fleet();
  const member = await f.start('one');
  await f.sendEachSecond(5);
  const before = f.committed();
  member.storing(false);
  await f.sendEachSecond(40, 5);
  // The first batch found out; what came behind it was left in the log.
  expect(member.ingest.counts.received).toBeLessThanOrEqual(7);
  expect(f.committed()).toBe(before);
  member.storing(true);
  await f.pass(3);
  expect(samples(member)).toHaveLength(45);
  expect(member.ingest.counts).toMatchObject({ received: 45, duplicates: 0, late: 0 });
});

it('offsets that cannot be committed are told once, with what mends it, and when they can be again', async () => {
  const f = fleet();
  const hint = 'Allow Read on the group';
  const denied = new WindrowError('unauthorized', 'not allowed', { retryable: true, hint });
  let isAllowed = false;
  const open = f.log.consumer.bind(f.log);
  vi.spyOn(f.log, 'consumer').mockImplementation((options) => {
    const consumer = open(options);
    return changedConsumer(consumer, {
      commit: async (...all) => {
        if (!isAllowed) throw denied;
        await consumer.commit(...all);
      },
    });
  });
  const { lines, cluster } = await f.start('one');
  const told = () => lines.filter(({ msg }) => msg.startsWith('offsets are'));
  await f.sendEachSecond(40);
  expect(told()).toEqual([]);
  // Since the first commit, which came after a second.
  expect(cluster.figures().uncommittedMs).toBe(39_000);
  await f.sendEachSecond(40, 40);
  expect(cluster.figures().uncommittedMs).toBe(79_000);
  const late = { level: 'warn', error: 'not allowed', hint };
  expect(told()).toMatchObject([late]);
  expect(f.log.committed(GROUP)).toEqual([]);
  isAllowed = true;
  await f.pass(2);
  expect(told()).toMatchObject([late, { level: 'info', msg: 'offsets are committed again' }]);
  expect(cluster.figures().uncommittedMs).toBe(0);
});

it('an offset is not committed before the windows in front of it are published', async () => {
  const f = fleet();
  const member = await f.start('one');
  f.log.failSends(1_000);
  await f.sendEachSecond(60);
  expect(finals(member).length).toBeGreaterThan(3);
  expect(f.committed()).toBe(0);
  f.log.failSends(0);
  await f.pass(8);
  expect(f.committed()).toBe(30);
});

it('a slot that goes to another and comes back makes nothing lost, and stores nothing twice', async () => {
  const f = fleet({ [SAMPLES_TOPIC]: 1 });
  const one = await f.start('one');
  await f.sendEachSecond(20);
  one.kill();
  const two = await f.start('two');
  await f.sendEachSecond(60, 20);
  await two.stop();
  const again = await f.start('one');
  await f.sendEachSecond(60, 80);
  const seqs = samples(again).map(({ seq }) => seq);
  expect(new Set(seqs).size).toBe(seqs.length);
  expect(again.registry.find('pc', '')?.delivery).toMatchObject({
    lost: 0,
    duplicates: 0,
    late: 0,
  });
  expect(finals(again).map(({ samples: n }) => n)).toEqual([10, 20, ...Array(11).fill(30)]);
});

it('one more than there are partitions says that none is left for it', async () => {
  const f = fleet();
  await f.start('one');
  await f.start('two');
  await f.start('three');
  const fourth = await f.start('four');
  await f.pass(2);
  const shares = fourth.lines.filter(({ msg }) => msg.includes('partition'));
  expect(shares).toMatchObject([{ partitions: [], msg: 'no partition is left' }]);
});

it('nothing is lost where one takes over between two sends that were on their way together', async () => {
  const f = fleet({ [SAMPLES_TOPIC]: 1 });
  const sendEachSecond = async (seconds: number, from: number): Promise<void> => {
    for (let i = from; i < from + seconds; i += 1) {
      // The one before is in the log, and its sender does not know it yet.
      const header = { ...pc, oldest_outstanding_seq: Math.max(0, i - 1) };
      send(f, steady(f.clock.wallMs(), 1, { seq: i }), header);
      await f.pass(1);
    }
  };
  const one = await f.start('one');
  await sendEachSecond(60, 0);
  one.kill();
  const two = await f.start('two');
  await sendEachSecond(60, 60);
  await two.stop();
  const again = await f.start('one');
  await sendEachSecond(20, 120);
  for (const { ingest } of [one, two, again]) expect(ingest.counts.lost).toBe(0);
});

it('a server with four topics waits for all of them, however they are read', async () => {
  const f = fleet();
  const cpu = Array.from({ length: 60 }, (_, i) =>
    seedA('cpu', f.fromMs + i * 1_000, { cpu_pct: i }),
  );
  const mem = Array.from({ length: 60 }, (_, i) =>
    seedA('mem', f.fromMs + i * 1_000, { mem_pct: i }),
  );
  const member = await f.start('one');
  f.clock.advance(60_000);
  append(f, cpu);
  await f.pass(5);
  expect(finals(member)).toEqual([]);
  append(f, mem);
  // It has no more than two: after half a minute they are not waited for any longer.
  await f.pass(35);
  expect(member.ingest.counts.late).toBe(0);
  expect(finals(member).map(({ samples: n }) => n)).toEqual([20, 40, 60, 60, 60]);
});

it('nobody is silent before the log is read up, and then whoever has been for long, at once', async () => {
  const f = fleet();
  const first = await f.start('one');
  await f.sendEachSecond(30);
  const isIdle = (member: Member) => member.registry.find('pc', '')?.idleClosed;
  const isCaughtUp = vi.spyOn(first.cluster.fromLog, 'isCaughtUp').mockReturnValue(false);
  await f.pass(40);
  expect(isIdle(first)).toBe(false);
  isCaughtUp.mockRestore();
  await f.pass(1);
  expect(isIdle(first)).toBe(true);
  first.kill();
  const second = await f.start('one');
  await f.pass(2);
  expect(second.cluster.isCaughtUp).toBe(true);
  expect(isIdle(second)).toBe(true);
});

it('the end of a replay closes what came of it in the same slot, and no other', async () => {
  const f = fleet();
  const boot_id = 'f'.repeat(64);
  const origin_ms = f.fromMs - 3_600_000;
  const rows = (server_id: string) => steady(origin_ms, 30, { server_id, boot_id, origin_ms });
  const end = (partition: number): void => {
    const value = Buffer.from(JSON.stringify(endOfReplay(boot_id, origin_ms).value));
    f.log.append({ topic: SAMPLES_TOPIC, partition, value, key: undefined });
  };
  const member = await f.start('one');
  // In slots of their own.
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  for (const name of names) append(f, rows(name));
  await f.pass(1);
  const slotOf = (name: string) => [...(member.registry.find(name, boot_id)?.slots ?? [])];
  end(0);
  await f.pass(1);
  const closed = names.filter((name) => member.registry.find(name, boot_id)?.closed);
  expect(closed).toEqual(names.filter((name) => slotOf(name).includes(0)));
  expect(closed.length).toBeGreaterThan(0);
  expect(closed.length).toBeLessThan(names.length);
});

it('a server that does not come back holds the log for as long as panes are kept, and no longer', async () => {
  const f = fleet();
  const member = await f.start('one');
  await f.sendEachSecond(60);
  await f.pass(40);
  expect(f.committed()).toBe(30);
  f.clock.advance(25 * 3_600_000);
  await f.pass(3);
  expect(f.committed()).toBe(60);
  expect(finals(member).at(-1)).toMatchObject({ samples: 10, startMs: f.fromMs + 50_000 });
});
