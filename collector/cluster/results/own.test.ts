import { expect, it } from 'vitest';
import type { WindowResult } from '../../../wire/records/window-result.ts';
import { OwnResults } from './own.ts';

function published(server: string, samples = 1): { result: WindowResult; text: string } {
  const result = { server_id: server, samples, metrics: { cpu_pct: {} } } as WindowResult;
  return { result, text: JSON.stringify(result) };
}

function record(key: string, text: string) {
  return { key: Buffer.from(key), value: Buffer.from(text) };
}

it('what was published is known when it comes back, once', () => {
  const own = new OwnResults();
  const { result, text } = published('pc');
  own.note(text, result);
  const taken = own.take(record('pc', text));
  const head = { server_id: 'pc', samples: 1 };
  expect(taken).toEqual({ key: { serverId: 'pc', replayId: '' }, head, text });
  expect(own.take(record('pc', text))).toBeUndefined();
});

it('what is not just as it was published is decoded like anybody’s', () => {
  const own = new OwnResults();
  const { result, text } = published('pc');
  own.note(text, result);
  expect(own.take(record('pc', published('pc', 2).text))).toBeUndefined();
  expect(own.take(record('pc', text.slice(0, -1)))).toBeUndefined();
  expect(own.take(record('pc', `${text} `))).toBeUndefined();
  expect(own.take(record('another', text))).toBeUndefined();
  expect(own.take({ key: Buffer.from('pc'), value: undefined })).toBeUndefined();
  expect(own.take({ key: undefined, value: Buffer.from(text) })).toBeUndefined();
});

it('records that never come back do not pile up: the oldest are forgotten', () => {
  const own = new OwnResults();
  const all = Array.from({ length: 10_001 }, (_, i) => published(`pc-${i}`));
  for (const { text, result } of all) own.note(text, result);
  const taken = all.map(({ text }, i) => own.take(record(`pc-${i}`, text)));
  expect(taken.findIndex((each) => each !== undefined)).toBe(1);
  expect(taken.filter((each) => each !== undefined)).toHaveLength(10_000);
});
