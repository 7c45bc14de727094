import fc from '../../../runtime/testing/property.ts';
import { Partitioners } from 'kafkajs';
import { expect, it } from 'vitest';
import { partitionOf } from './partition.ts';

const partitions = 7;
/** The independent client's own, which follows Java's. */
const theirs = Partitioners.DefaultPartitioner();

function theirPartitionOf(key: string): number {
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionId,
    partitionErrorCode: 0,
    leader: 0,
    replicas: [],
    isr: [],
  }));
  return theirs({ topic: 't', partitionMetadata, message: { key, value: '' } });
}

it('a key lies where other clients put it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (key) => {
      // The empty key is no key to that client.
      fc.pre(key !== '');
      expect(partitionOf(key, partitions)).toBe(theirPartitionOf(key));
    }),
    { numRuns: 500 },
  );
});
