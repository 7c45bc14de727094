/** The port without a network: the same encoding, decoding and errors, in one process. */
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { type Batch, encodeBatch } from '../records/batch.ts';
import { BatchFormatError, decodeBatch, NewerBatchError } from '../records/batch-decode.ts';
import type { BatchReceiver, BatchSender } from './port.ts';

export function createMemorySender(receiver: BatchReceiver): BatchSender {
  return {
    async send(batch, signal) {
      if (signal.aborted) throw aborted();
      const { promise, reject } = Promise.withResolvers<never>();
      const onAbort = (): void => reject(aborted());
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        return await Promise.race([promise, hand(batch, receiver)]);
      } catch (error) {
        throw asSent(error);
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
    async close() {},
  };
}

function aborted(): WindrowError {
  return new WindrowError('aborted', 'sending was aborted');
}

async function hand(batch: Batch, receiver: BatchReceiver) {
  return receiver(decodeBatch(encodeBatch(batch)), { remote: 'memory' });
}

/** What a network between the two would make of the receiver's error. */
function asSent(error: unknown): WindrowError {
  if (error instanceof BatchFormatError) {
    const retryable = error instanceof NewerBatchError;
    return new WindrowError('refused', error.message, { retryable });
  }
  if (!(error instanceof WindrowError)) {
    return new WindrowError('unreachable', messageOf(error), { cause: error, retryable: true });
  }
  return error.code === 'input' ? new WindrowError('refused', error.message) : error;
}
