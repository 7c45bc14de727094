import { expect, it } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { kafkaError } from './errors.ts';
import { type ToldFaults, Trouble } from './trouble.ts';

const away = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:1'), { code: 'ECONNREFUSED' });
const forbidden = Object.assign(new Error('no'), { apiId: 'TOPIC_AUTHORIZATION_FAILED' });

/** Two that share what they tell, each about a topic. */
function scene() {
  const { log, lines } = createKeptLog();
  const told: ToldFaults = new Map();
  const ending = new AbortController();
  const of = (topic: string) => {
    const trouble = new Trouble(log, `${topic} is written again`, told);
    const failed = (error: Error): void => {
      const { signal } = ending;
      void trouble.failed(kafkaError(error, { what: `${topic} cannot be written` }), signal);
    };
    return { failed, over: () => trouble.over() };
  };
  return {
    a: of('a'),
    b: of('b'),
    told: () => lines.map(({ msg }) => msg),
    [Symbol.dispose]: () => ending.abort(),
  };
}

it('a broker that is away is told once, whoever finds it so and however often', () => {
  using all = scene();
  for (const each of [all.a, all.b, all.a, all.b]) each.failed(away);
  expect(all.told()).toEqual(['a cannot be written: no broker answers there']);
  all.b.over();
  all.a.over();
  expect(all.told().slice(1)).toEqual(['a is written again']);
  all.b.failed(away);
  all.a.failed(away);
  expect(all.told().slice(2)).toEqual(['b cannot be written: no broker answers there']);
});

it('what goes on failing where the one that told it works again is told', () => {
  using all = scene();
  all.a.failed(away);
  all.b.failed(away);
  all.a.over();
  all.b.failed(away);
  expect(all.told()).toEqual([
    'a cannot be written: no broker answers there',
    'a is written again',
    'b cannot be written: no broker answers there',
  ]);
});

it('what is about one topic alone is told of each', () => {
  using all = scene();
  for (const each of [all.a, all.b, all.a, all.b]) each.failed(forbidden);
  expect(all.told()).toEqual([
    'a cannot be written: the broker does not allow it',
    'b cannot be written: the broker does not allow it',
  ]);
});
