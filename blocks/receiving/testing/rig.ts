/** A receiver on a folder of the test's own. */
import { onTestFinished } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { createManualClock, type ManualClock } from '../../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import type { BlockAck } from '../../../wire/records/block-ack.ts';
import type { ReceiverOptions } from '../port.ts';
import { BlockReceiver, type IncomingChunk, type Taken } from '../receiver.ts';

export interface Rig {
  readonly receiver: BlockReceiver;
  readonly folder: string;
  readonly clock: ManualClock;
  readonly lines: ReturnType<typeof createKeptLog>['lines'];
}

export function receiverRig(changes: Partial<ReceiverOptions> = {}): Rig {
  const { folder = temporaryFolder() } = changes;
  const { log, lines } = createKeptLog();
  const clock = createManualClock();
  const receiver = new BlockReceiver({
    folder,
    folderSetting: '--out',
    machineId: 'node-1',
    quotaBytes: Infinity,
    clock,
    log,
    ...changes,
  });
  onTestFinished(() => receiver.close());
  return { receiver, folder, clock, lines };
}

/** Gives one after the other, as a sender does. @returns the last answer */
export async function takeAll(
  receiver: BlockReceiver,
  chunks: readonly IncomingChunk[],
): Promise<Taken> {
  let taken: Taken = { nextChunk: 0 };
  for (const chunk of chunks) taken = await receiver.take(chunk);
  return taken;
}

/** Gives all and answers what became of the block. */
export async function ackFor(
  receiver: BlockReceiver,
  chunks: readonly IncomingChunk[],
): Promise<BlockAck | undefined> {
  return (await takeAll(receiver, chunks)).ack;
}
