import { expect, it } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
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

function recordOf(text: string): NewLogRecord {
  const [topic = '', key = ''] = text.split(' ');
  return { topic, key, value: '' };
}
