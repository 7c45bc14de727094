/** The port without a network: the same encoding and decoding, in one process. */
import { WindrowError } from '../../runtime/errors.ts';
import { decodeBatch, encodeBatch } from '../records/batch.ts';
import type { BatchReceiver, BatchSender } from './port.ts';

export function createMemorySender(receiver: BatchReceiver): BatchSender {
  return {
    async send(batch, signal) {
      if (signal.aborted) throw new WindrowError('aborted', 'sending was aborted');
      return receiver(decodeBatch(encodeBatch(batch)), { remote: 'memory' });
    },
    async close() {},
  };
}
