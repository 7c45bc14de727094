import { describe, expect, it, vi } from 'vitest';
import { noonMs } from '../../../runtime/testing/manual-clock.ts';
import { WINDOW_RESULTS_TOPIC as topic } from '../../../wire/records/window-result.ts';
import type { LogReader } from '../../../wire/transport/log/port.ts';
import { steady } from '../../ingest/testing/records.ts';
import { count } from '../../store/testing/rows.ts';
import { published, recordOf, useCollectors } from './testing/collectors.ts';
import { settle } from './testing/rig.ts';

const fixture = useCollectors();
const { signal } = new AbortController();

describe('while the brokers are away', () => {
  it('windows wait in order, and `published` with them', async () => {
    const { start, log, clock } = fixture();
    const [one, two] = [start('one'), start('two')];
    log.failSends(1_000);
    await one.send(steady(noonMs, 60));
    let isPublished = false;
    const done = one.results.published(signal).then(() => (isPublished = true));
    await one.send(steady(noonMs + 60_000, 60, { seq: 60 }));
    expect(isPublished).toBe(false);
    expect(one.results.waiting).toBeGreaterThan(5);
    log.failSends(0);
    await vi.advanceTimersByTimeAsync(5_000);
    await done;
    await settle();
    expect(one.results.waiting).toBe(0);
    expect(two.windows()).toEqual(one.windows());
    const ends = published(log).map(({ end_ms }) => end_ms);
    expect(ends).toEqual([...ends].sort((a, b) => a - b));
    expect(one.lines.map(({ msg }) => msg)).toEqual([
      expect.stringContaining('windows wait to be published'),
      'windows are published again',
    ]);
    clock.advance(1);
  });

  it('a send that got in though it failed does no harm when it is repeated', async () => {
    const { start, log } = fixture();
    const [one, two] = [start('one'), start('two')];
    log.failSends(2, { written: true });
    await one.send(steady(noonMs, 60));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(log.records(topic).length).toBe(3 * (one.windows().length - 1));
    expect(two.windows()).toEqual(one.windows());
  });

  it('who waits can give up', async () => {
    const { start, log } = fixture();
    const one = start('one');
    log.failSends(1_000);
    await one.send(steady(noonMs, 60));
    const waiting = new AbortController();
    const gaveUp = one.results.published(waiting.signal);
    const refused = expect(gaveUp).rejects.toMatchObject({ code: 'aborted' });
    waiting.abort();
    await refused;
    await expect(one.results.published(AbortSignal.abort())).rejects.toMatchObject({
      code: 'aborted',
    });
    await expect(one.results.room(signal)).resolves.toBeUndefined();
  });
});

it('what is no window result is skipped, counted and kept with its place, and the rest goes on', async () => {
  const { start, log } = fixture();
  const one = start('one');
  await one.send(steady(noonMs, 60));
  await settle();
  const [good] = published(log);
  if (good === undefined) throw new Error('nothing published');
  const owner = { ...good.owner, id: 'x', run: 'x' };
  const other = { ...good, server_id: 'other', owner };
  const years = 365 * 86_400_000;
  const hostile: { key?: Buffer | undefined; value?: Buffer | undefined }[] = [
    { key: Buffer.from('other'), value: Buffer.from('{') },
    { key: Buffer.from('pc'), value: Buffer.from(JSON.stringify(other)) },
    { key: undefined, value: Buffer.from(JSON.stringify(other)) },
    { key: Buffer.from('other'), value: Buffer.alloc(20_000, ' ') },
    { key: Buffer.from('a\tb\tc') },
    recordOf({ ...other, v: 2 as 1 }),
    recordOf({
      ...other,
      start_ms: good.start_ms + years,
      end_ms: good.end_ms + years,
      final: false,
    }),
    recordOf({ ...other, closed_through_ms: noonMs + years }),
    recordOf({ ...other, owner: { ...owner, url: 'javascript:alert(1)' } }),
    recordOf({ ...other, origin_ms: 5, server_id: 'pc' }),
  ];
  for (const record of hostile) log.append({ ...record, topic, partition: 0 });
  log.append(recordOf(other));
  await settle();
  expect(one.ingest.counts.quarantined).toBe(hostile.length);
  expect(count(one.db, 'quarantine')).toBe(hostile.length);
  const [first] = one.db.prepare('SELECT remote, topic, reason FROM quarantine').all();
  expect(first).toEqual({
    remote: expect.stringMatching(/^kafka window-results\/0@\d+$/) as string,
    topic,
    reason: expect.stringMatching(/^window result: /) as string,
  });
  expect(one.registry.find('other', '')).toBeDefined();
  expect(one.results.known('other', '')).toBeDefined();
});

it('what cannot be read is put aside once, also when a session that ended tells it again', async () => {
  const { log, start } = fixture();
  const twice = (reader: LogReader): LogReader => ({
    end: (signal) => reader.end(signal),
    follow: (from, handlers, end) => {
      const unreadable: typeof handlers.unreadable = (records) => {
        handlers.unreadable?.(records);
        handlers.unreadable?.(records);
      };
      return reader.follow(from, { ...handlers, unreadable }, end);
    },
  });
  const one = start('one', { through: twice });
  log.spoil({ topic, partition: 0 }, 'broken');
  await settle();
  expect(one.ingest.counts.quarantined).toBe(1);
  expect(one.db.prepare('SELECT remote, topic, reason FROM quarantine').all()).toEqual([
    { remote: `kafka ${topic}/0@0`, topic, reason: 'broken' },
  ]);
});

describe('caughtUp', () => {
  /** A reader that is slow, and still hands over what it has when it is told to end. */
  const slow = (reader: LogReader): LogReader => ({
    end: (signal) => reader.end(signal),
    follow: (from, { take, caughtUp }, end) =>
      reader.follow(
        from,
        {
          async take(records) {
            await new Promise((resolve) => setTimeout(resolve, 5_000));
            await take(records);
          },
          caughtUp,
        },
        end,
      ),
  });

  it('means all that was in the topic at the call, also at the second', async () => {
    const { start } = fixture();
    const [one, two] = [start('one'), start('two', { through: slow })];
    for (const through of [60, 120]) {
      await one.send(steady(noonMs + (through - 60) * 1_000, 60, { seq: through - 60 }));
      const done = two.results.caughtUp(signal).then(() => two.results.known('pc', ''));
      await vi.advanceTimersByTimeAsync(20_000);
      expect(await done).toMatchObject({ closedThroughMs: noonMs + (through - 10) * 1_000 });
    }
    expect(two.windows()).toEqual(one.windows());
  });

  it('of several who ask at once each is answered', async () => {
    const { start } = fixture();
    const [one, two] = [start('one'), start('two', { through: slow })];
    await one.send(steady(noonMs, 60));
    const asked = [1, 2, 3].map(() => two.results.caughtUp(signal));
    await vi.advanceTimersByTimeAsync(20_000);
    await Promise.all(asked);
    expect(two.windows()).toEqual(one.windows());
  });

  it('who waits can give up', async () => {
    const { start } = fixture();
    const one = start('one');
    await settle();
    one.db.exec('PRAGMA query_only = ON');
    const waiting = new AbortController();
    const asked = one.results.caughtUp(waiting.signal);
    const refused = expect(asked).rejects.toMatchObject({ code: 'aborted' });
    waiting.abort();
    await refused;
  });
});

it('reads no more while the store cannot be written, and then nothing is missing', async () => {
  const { start } = fixture();
  let takes = 0;
  const counting = (reader: LogReader): LogReader => ({
    end: (signal) => reader.end(signal),
    follow: (from, { take, caughtUp }, end) =>
      reader.follow(from, { take: (records) => ((takes += 1), take(records)), caughtUp }, end),
  });
  const [one, two] = [start('one'), start('two', { through: counting })];
  await settle();
  two.db.exec('PRAGMA query_only = ON');
  for (const second of [0, 30, 60, 90]) {
    await one.send(steady(noonMs + second * 1_000, 30, { seq: second }));
  }
  await vi.advanceTimersByTimeAsync(10_000);
  // With the first nobody knew it yet.
  expect(takes).toBe(2);
  two.db.exec('PRAGMA query_only = OFF');
  await vi.advanceTimersByTimeAsync(3_000);
  expect(two.windows()).toEqual(one.windows());
});
