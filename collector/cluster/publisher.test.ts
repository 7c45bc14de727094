import { expect, it, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { RecordsRefused } from '../../wire/transport/log/refused.ts';
import type { NewLogRecord } from '../../wire/transport/log/port.ts';
import { Publisher } from './publisher.ts';

it('a send holds one topic, so that nothing is there before what was given first', async () => {
  const sends: string[][] = [];
  const producer = {
    send: async (records: readonly NewLogRecord[]) =>
      void sends.push(records.map(({ topic, key }) => `${topic} ${key}`)),
    close: async () => {},
  };
  const { signal } = new AbortController();
  const publisher = new Publisher({ producer, what: 'windows', log: createKeptLog().log, signal });
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
  const publisher = new Publisher({ producer, what: 'alerts', log, signal });
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
  const publisher = new Publisher({ producer, what: 'windows', log: createKeptLog().log, signal });
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

function recordOf(text: string): NewLogRecord {
  const [topic = '', key = ''] = text.split(' ');
  return { topic, key, value: '' };
}
