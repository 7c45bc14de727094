import * as library from '@platformatic/kafka';
import { expect, it } from 'vitest';
import { refuseMissingPartitions, takePartialMetadata } from './missing-partitions.ts';

const topic = 't';

/** What a request hears of metadata that has so many partitions. */
function heard(partitions: number, wanted: readonly number[], lonely?: number) {
  const leaders = Array.from({ length: partitions }, (_, partition) => ({
    leader: partition === lonely ? -1 : 1,
  }));
  const topics = new Map([[topic, { partitions: leaders }]]);
  const client = {
    [library.kMetadata](
      _: object,
      callback: (error: Error | null, metadata: object) => void,
    ): void {
      callback(null, { topics });
    },
  };
  const places = wanted.map((partition) => ({ topic, partition }));
  refuseMissingPartitions(library, client as never, () => places);
  let told: { error?: unknown; metadata?: unknown } = {};
  client[library.kMetadata]({}, (error, metadata) => {
    told = { error, metadata };
  });
  return { ...told, topics };
}

it('a request for a partition that is no more fails, and is not tried again', () => {
  const { error } = heard(3, [0, 5]);
  expect(error).toMatchObject({ message: 't has no partition 5 any more', topic, canRetry: false });
});

it('all others go on as before', () => {
  const { error, metadata, topics } = heard(6, [0, 5]);
  expect([error, metadata]).toEqual([null, { topics }]);
});

it('a request for a partition without leader fails, and is not tried again', () => {
  const { error } = heard(3, [0, 2], 2);
  expect(error).toMatchObject({ message: 'no leader of t/2', topic, canRetry: false });
  const { error: none } = heard(3, [0, 1], 2);
  expect(none).toBeNull();
});

/** What the library hears when a broker answers with such errors. */
function answered({ topicError, partitionError }: { topicError: number; partitionError: number }) {
  const partitions = [
    { errorCode: 0, leaderId: 1 },
    { errorCode: partitionError, leaderId: -1 },
  ];
  const response = { topics: [{ errorCode: topicError, name: topic, partitions }] };
  const failed = Object.assign(new Error('LEADER_NOT_AVAILABLE'), { response });
  const metadata = Object.assign(
    (_: unknown, hear: (error: Error | null, response?: object) => void) => hear(failed),
    { version: 12 },
  );
  const other = (): void => {};
  const client = {
    [library.kGetApi](name: string, callback: (error: null, api: unknown) => void): void {
      callback(null, name === 'Metadata' ? metadata : other);
    },
  };
  takePartialMetadata(library, client as never);
  let told: { error?: unknown; response?: unknown } = {};
  client[library.kGetApi]('Metadata', (_, api) => {
    const ask = api as typeof metadata;
    expect(ask.version).toBe(12);
    ask([], (error, answer) => {
      told = { error, response: answer };
    });
  });
  client[library.kGetApi]('Produce', (_, api) => expect(api).toBe(other));
  return { ...told, failed, whole: response };
}

it('what brokers tell of a topic is taken though one of its partitions has no leader', () => {
  const { error, response, whole } = answered({ topicError: 0, partitionError: 5 });
  expect([error, response]).toEqual([null, whole]);
});

it('what they do not tell of a topic is an error as before', () => {
  const { error, failed } = answered({ topicError: 29, partitionError: 0 });
  expect(error).toBe(failed);
});
