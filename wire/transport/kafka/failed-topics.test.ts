import * as library from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import { FailedTopics } from './failed-topics.ts';

const all = ['b', 'a', 'b', 'c'];

/** `hear`: what a broker answers to a request of this kind, which the caller gets as it is. */
function scene() {
  let answer: [error: Error | null, response?: object] = [null];
  const api = Object.assign(
    (_: unknown, answered: (...all: typeof answer) => void) => answered(...answer),
    { version: 11 },
  );
  const client = {
    [library.kGetApi](_: string, callback: (error: null, found: typeof api) => void): void {
      callback(null, api);
    },
    [library.kMetadata](_: object, callback: (error: Error) => void): void {
      callback(Object.assign(new Error('no leader of b/0'), { topic: 'b' }));
    },
  };
  const failed = new FailedTopics();
  failed.listenTo(library, client as never);
  const hear = (name: string, ...answered: typeof answer): void => {
    answer = answered;
    client[library.kGetApi](name, (_, found) => {
      expect(found.version).toBe(11);
      found({}, (error, response) => expect([error, response]).toEqual([answered[0], answered[1]]));
    });
  };
  /** No broker refuses it, but what they tell of a partition of `b` does not do. */
  const findAmiss = (): void =>
    client[library.kMetadata]({}, (error) => expect(error.message).toBe('no leader of b/0'));
  return { failed, hear, findAmiss };
}

const topicOf = (name: string, errorCode: number) => ({ name, errorCode });
const writtenOf = (name: string, ...codes: number[]) => ({
  name,
  partitionResponses: codes.map((errorCode) => ({ errorCode })),
});

describe('topics of a failure', () => {
  it('are those that a broker refused, whole or a partition of them', () => {
    const { failed, hear } = scene();
    const response = { responses: [writtenOf('a', 0, 0), writtenOf('c', 0, 29)] };
    hear('Produce', Object.assign(new Error('refused'), { response }));
    expect(failed.among(all)).toEqual(['c']);
    const looked = { topics: [topicOf('a', 3), topicOf('b', 0)] };
    hear('Metadata', Object.assign(new Error('unknown'), { response: looked }));
    expect(failed.among(all)).toEqual(['a', 'c']);
  });

  it('are the one with a partition that cannot be written as brokers tell of it', () => {
    const { failed, hear, findAmiss } = scene();
    hear('Metadata', null, { topics: all.map((name) => topicOf(name, 0)) });
    findAmiss();
    expect(failed.among(all)).toEqual(['b']);
  });

  it('are all that were sent when no broker said so, or of others alone', () => {
    const { failed, hear } = scene();
    hear('Produce', new Error('no answer'));
    expect(failed.among(all)).toEqual(['a', 'b', 'c']);
    hear('Metadata', null, { topics: [topicOf('d', 29)] });
    expect(failed.among(all)).toEqual(['a', 'b', 'c']);
  });

  it('are none that is there by now, and none of another try', () => {
    const { failed, hear } = scene();
    hear('Metadata', null, { topics: [topicOf('a', 3), topicOf('b', 3)] });
    hear('Metadata', null, { topics: [topicOf('a', 0), topicOf('b', 3)] });
    expect(failed.among(all)).toEqual(['b']);
    failed.begin();
    expect(failed.among(all)).toEqual(['a', 'b', 'c']);
  });
});
