import * as library from '@platformatic/kafka';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { KafkaProducer } from './producer.ts';

it('the client writes requests from one copy, and all else as the library does', async () => {
  const { Producer } = library;
  const theirs = Object.assign(() => {}, { version: 11 });
  const prototype = Producer.prototype as unknown as Record<symbol, () => void>;
  vi.spyOn(prototype, library.kGetApi).mockImplementation(((
    _: string,
    callback: (error: null, api: unknown) => void,
  ) => callback(null, theirs)) as () => void);
  const asked = vi
    .spyOn(Producer.prototype, 'metadata')
    .mockImplementation(() => Promise.reject(new Error('no broker')));
  onTestFinished(() => void vi.restoreAllMocks());
  const settings = { brokers: ['127.0.0.1:1'], tls: undefined, sasl: undefined };
  const producer = new KafkaProducer(settings as never, createKeptLog().log);
  onTestFinished(() => producer.close());
  const sent = producer.send([{ topic: 't', key: 'k', value: 'v' }], new AbortController().signal);
  await expect(sent).rejects.toThrow('no broker');
  const client = asked.mock.contexts[0] as library.Producer;
  const apiOf = (name: 'Produce' | 'Fetch'): unknown => {
    let found: unknown;
    client[library.kGetApi](name, (_, api) => {
      found = api;
    });
    return found;
  };
  expect(apiOf('Fetch')).toBe(theirs);
  const ours = apiOf('Produce');
  expect(ours).toBeTypeOf('function');
  expect(ours).not.toBe(theirs);
});
