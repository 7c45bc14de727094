/** A thread that writes blocks: decompressing, hashing, writing and syncing hold up nobody else. */
import { parentPort } from 'node:worker_threads';
import { messageOf, systemCodeOf } from '../../../runtime/errors.ts';
import { StageTimes } from '../../../runtime/stage-times.ts';
import { Garbage } from '../../../runtime/garbage.ts';
import { rawChunkBytes } from '../../../wire/limits.ts';
import { BadBlockError, PartFile } from '../part-file.ts';
import { STAGES } from '../stages.ts';
import type { Order, OrderMessage, Outcome, OutcomeMessage } from './protocol.ts';

const parts = new Map<number, PartFile>();
const times = new StageTimes(STAGES);
let rawBytes = 0;
/** Of what was decompressed: the library gives each chunk new memory, some of it twice. */
const garbage = new Garbage(2 * rawChunkBytes);

function carryOut(order: Order): void {
  if (order.kind === 'open') {
    parts.set(order.part, new PartFile(order.path, times));
    return;
  }
  const part = parts.get(order.part);
  // Nothing may pass for stored that is not.
  if (part === undefined) throw new BadBlockError('the receiver has nothing of the block');
  switch (order.kind) {
    case 'write':
      part.write(order.chunk, order.payload);
      rawBytes += order.chunk.rawBytes;
      if (order.chunk.encoding === 'lz4') garbage.came(order.chunk.rawBytes);
      return;
    case 'verify':
      part.verify(order.sha256);
      return;
    case 'store':
      part.store(order.target);
      parts.delete(order.part);
      return;
    case 'drop':
      parts.delete(order.part);
      part.drop();
  }
}

function outcomeOf(order: Order): Outcome {
  try {
    carryOut(order);
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof BadBlockError) return { kind: 'bad', reason: error.message };
    return { kind: 'failed', code: systemCodeOf(error), reason: messageOf(error) };
  }
}

parentPort?.on('message', ({ no, order }: OrderMessage) => {
  const outcome = outcomeOf(order);
  const message: OutcomeMessage = { no, outcome, done: { rawBytes, stages: times.soFar } };
  if (order.kind !== 'write') {
    parentPort?.postMessage(message);
    return;
  }
  const { buffer } = order.payload;
  parentPort?.postMessage({ ...message, buffer } satisfies OutcomeMessage, [buffer]);
});
