import * as library from '@platformatic/kafka';
import { expect, it } from 'vitest';
import { refuseMissingPartitions } from './missing-partitions.ts';

const topic = 't';

/** What a request hears of metadata that has so many partitions. */
function heard(partitions: number, wanted: readonly number[]) {
  const leaders = Array.from({ length: partitions }, () => ({ leader: 1 }));
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
  expect(error).toMatchObject({ message: 't has no partition 5 any more', canRetry: false });
});

it('all others go on as before', () => {
  const { error, metadata, topics } = heard(6, [0, 5]);
  expect([error, metadata]).toEqual([null, { topics }]);
});
