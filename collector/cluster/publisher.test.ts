import { expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { RecordsRefused } from '../../wire/transport/log/refused.ts';
import type { NewLogRecord } from '../../wire/transport/log/port.ts';
import { Publisher, unpublishedMsMax } from './publisher.ts';

const synced = (): undefined => undefined;
const clock = createManualClock();

it('a send holds one topic, so that nothing is there before what was given first', async () => {
  const sends: string[][] = [];
  const producer = {
    send: async (records: readonly NewLogRecord[]) =>
      void sends.push(records.map(({ topic, key }) => `${topic} ${key}`)),
    close: async () => {},
  };
  const { signal } = new AbortController();
  const { log } = createKeptLog();
  const publisher = new Publisher({ producer, synced, what: 'windows', clock, log, signal });
  publisher.give(['a 1', 'a 2', 'w 1', 'w 2', 'a 3'].map(recordOf));
  await publisher.published(signal);
  expect(sends).toEqual([['a 1', 'a 2'], ['w 1', 'w 2'], ['a 3']]);
});

it('what the log will never take is told and left out, and what follows is published', async () => {
  const sends: string[][] = [];
  const producer = {
    send: async (records: readonly NewLogRecord[]) => {
      sends.push(records.map(({ key }) => key));
      const large = records.filter(({ key }) => key === 'large');
      if (large.length > 0)
        throw new RecordsRefused(large, new WindrowError('refused', 'too large'));
    },
    close: async () => {},
  };
  const { signal } = new AbortController();
  const { log, lines } = createKeptLog();
  const publisher = new Publisher({ producer, synced, what: 'alerts', clock, log, signal });
  publisher.give(['a 1', 'a large', 'b 2'].map(recordOf));
  await publisher.published(signal);
  expect(sends).toEqual([['1', 'large'], ['2']]);
  expect(publisher.waiting).toBe(0);
  expect(lines).toMatchObject([{ level: 'error', keys: ['large'] }]);
  expect(lines[0]?.msg).toBe('too large; of alerts 1 are left out');
});

it('what is dropped is not sent, but for what is on its way, and nobody waits for it', async () => {
  const sends: string[][] = [];
  const answers: PromiseWithResolvers<void>[] = [];
  const producer = {
    send: (records: readonly NewLogRecord[]) => {
      sends.push(records.map(({ key }) => key));
      const answer = Promise.withResolvers<void>();
      answers.push(answer);
      return answer.promise;
    },
    close: async () => {},
  };
  const { signal } = new AbortController();
  const { log } = createKeptLog();
  const publisher = new Publisher({ producer, synced, what: 'windows', clock, log, signal });
  const settled: string[] = [];
  const waitFor = (what: string) => publisher.published(signal).then(() => settled.push(what));
  publisher.give(['a gone', 'b gone', 'b kept'].map(recordOf));
  const kept = waitFor('kept');
  publisher.give(['b gone', 'b gone'].map(recordOf));
  const all = waitFor('all');
  publisher.drop(({ key }) => key === 'gone');
  expect(publisher.waiting).toBe(2);
  answers[0]?.resolve();
  await vi.waitFor(() => expect(sends).toEqual([['gone'], ['kept']]));
  expect(settled).toEqual([]);
  answers[1]?.resolve();
  await Promise.all([kept, all]);
  expect(publisher.waiting).toBe(0);
});

it('nobody hears of what is committed and not on the disk yet', async () => {
  const sends: string[][] = [];
  const producer = {
    send: async (records: readonly NewLogRecord[]) =>
      void sends.push(records.map(({ key }) => key)),
    close: async () => {},
  };
  const { signal } = new AbortController();
  const disk = Promise.withResolvers<void>();
  const { log } = createKeptLog();
  const synced = (): Promise<void> => disk.promise;
  const publisher = new Publisher({ producer, synced, what: 'windows', clock, log, signal });
  publisher.give([recordOf('w 1')]);
  await new Promise(setImmediate);
  expect(sends).toEqual([]);
  disk.resolve();
  await publisher.published(signal);
  expect(sends).toEqual([['1']]);
});

/** Its topics take nothing while they are in `refusing`, for the reason that is there. */
function refusable() {
  const refusing = new Map<string, string>();
  let sends = 0;
  const producer = {
    send: async ([record]: readonly NewLogRecord[]) => {
      sends += 1;
      const why = refusing.get(record?.topic ?? '');
      if (why !== undefined) throw new WindrowError('unreachable', why, { retryable: true });
    },
    close: async () => {},
  };
  vi.spyOn(Math, 'random').mockReturnValue(0);
  onTestFinished(() => void vi.restoreAllMocks());
  const { signal } = new AbortController();
  const { log, lines } = createKeptLog();
  const clock = createManualClock();
  const publisher = new Publisher({ producer, synced, what: 'windows', clock, log, signal });
  /** Until so many more sends were tried. */
  const tried = (count: number) => {
    const until = sends + count;
    return vi.waitFor(() => expect(sends).toBeGreaterThanOrEqual(until));
  };
  const messages = () => lines.map(({ msg }) => msg);
  return { publisher, refusing, tried, messages, clock, signal };
}

it('each reason why nothing is published is told once, and that it is over', async () => {
  const { publisher, refusing, tried, messages, signal } = refusable();
  refusing.set('w', 'nobody answers');
  publisher.give([recordOf('w 1')]);
  await tried(3);
  refusing.set('w', 'not allowed');
  await tried(3);
  refusing.set('w', 'nobody answers');
  await tried(3);
  const told = ['nobody answers', 'not allowed'].map(
    (why) => `${why}; windows wait to be published`,
  );
  expect(messages()).toEqual(told);
  refusing.clear();
  await publisher.published(signal);
  expect(messages()).toEqual([...told, 'windows are published again']);
  refusing.set('w', 'nobody answers');
  publisher.give([recordOf('w 2')]);
  await tried(2);
  expect(messages().slice(3)).toEqual(told.slice(0, 1));
  refusing.clear();
  await publisher.published(signal);
});

it('what was dropped is not published again when another topic takes its records', async () => {
  const { publisher, refusing, tried, messages, signal } = refusable();
  refusing.set('w', 'not allowed');
  publisher.give([recordOf('w 1'), recordOf('a 1')]);
  await tried(2);
  publisher.drop(({ topic }) => topic === 'w');
  await publisher.published(signal);
  expect(messages()).toEqual(['not allowed; windows wait to be published']);
});

it('what is dropped behind the first one, which waits on, is no sign that anything is published', async () => {
  const { publisher, refusing, tried, clock, signal } = refusable();
  refusing.set('w', 'not allowed');
  publisher.give(['w 1', 'w gone', 'a 1'].map(recordOf));
  await tried(1);
  clock.advance(unpublishedMsMax);
  expect(publisher.drop(({ key }) => key === 'gone')).toHaveLength(1);
  clock.advance(1);
  expect(publisher.failure).toContain('no windows have been published');
  // The next one has not waited for long, as far as anybody knows.
  expect(publisher.drop(({ topic }) => topic === 'w')).toHaveLength(1);
  expect(publisher.failure).toBeUndefined();
  await publisher.published(signal);
});

it('that nothing is published for long is a failure, until something is', async () => {
  const { publisher, refusing, tried, clock, signal } = refusable();
  clock.advance(10 * unpublishedMsMax);
  refusing.set('w', 'not allowed');
  publisher.give([recordOf('w 1')]);
  await tried(2);
  clock.advance(unpublishedMsMax);
  publisher.give([recordOf('w 2')]);
  expect(publisher.failure).toBeUndefined();
  clock.advance(1);
  expect(publisher.failure).toBe('no windows have been published for more than 30 s: not allowed');
  publisher.give([recordOf('a 1')]);
  refusing.delete('w');
  refusing.set('a', 'not allowed either');
  await vi.waitFor(() => expect(publisher.waiting).toBe(1));
  expect(publisher.failure).toBeUndefined();
  refusing.clear();
  await publisher.published(signal);
  clock.advance(10 * unpublishedMsMax);
  expect(publisher.failure).toBeUndefined();
});

function recordOf(text: string): NewLogRecord {
  const [topic = '', key = ''] = text.split(' ');
  return { topic, key, value: '' };
}
