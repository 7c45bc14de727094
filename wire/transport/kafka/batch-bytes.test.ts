import { crc32c } from '@platformatic/kafka';
import { expect, it } from 'vitest';
import fc from '../../../runtime/testing/property.ts';
import { batchBytesOf, writeBatch } from './batch-bytes.ts';
import { readRecords } from './records.ts';

const headBytes = 61;

it('each record has the time that it was given, however far from the first one’s', () => {
  // In 142,000 years what is between two no longer fits into a double.
  const farMs = fc.bigInt({ min: 0n, max: 2n ** 52n });
  fc.assert(
    fc.property(fc.array(farMs, { minLength: 1, maxLength: 5 }), (times) => {
      const value = Buffer.from('{}');
      const records = times.map((timestamp) => ({ topic: 't', value, timestamp }));
      const batch = Buffer.alloc(batchBytesOf(records), 255);
      const by = { producerId: undefined, producerEpoch: undefined, sequence: 0 };
      writeBatch(batch, records, by, crc32c);
      const head = {
        topic: 't',
        partition: 0,
        firstOffset: 0,
        firstTimestampMs: Number(batch.readBigInt64BE(27)),
        brokersMs: undefined,
        release: undefined,
      };
      const read = readRecords(batch.subarray(headBytes), records.length, head, 0);
      expect(read.map(({ timeMs }) => timeMs)).toEqual(times.map(Number));
      expect(Number(batch.readBigInt64BE(35))).toBe(Math.max(...times.map(Number)));
    }),
  );
});
