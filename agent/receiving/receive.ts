/** Receives files from a log until it is stopped: what it needs is opened, and closed again in reverse. */
import { Assembler } from '../../blocks/receiving/assemble.ts';
import { LogMember } from '../../blocks/receiving/log-member.ts';
import { receivingEngine } from '../../blocks/receiving/part-file.ts';
import { Processing } from '../../blocks/receiving/processing/processing.ts';
import type { StoredTransfer } from '../../blocks/receiving/received-index.ts';
import { BlockReceiver } from '../../blocks/receiving/receiver.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { BlockAck } from '../../wire/records/block-ack.ts';
import type { Log } from '../../wire/transport/log/port.ts';
import { receivingSpeeds } from '../sending/speeds.ts';
import { createShow } from './show.ts';

export interface ReceiveOptions {
  readonly source: Log;
  readonly group: string;
  readonly machineId: string;
  /** Where everything goes. */
  readonly folder: string;
  /** Whether files are put together whose blocks are all here. */
  readonly assemble: boolean;
  /** Ends when so many blocks have been stored. */
  readonly blocksMax: number;
  /** A person's own, for each block. */
  readonly modulePath: string | undefined;
  readonly log: Logger;
  readonly stdout: NodeJS.WriteStream;
}

/** @throws WindrowError when the folder or the module cannot be used, or the group never be joined */
export async function receiveFiles(options: ReceiveOptions, stop: AbortSignal): Promise<void> {
  const { source, group, machineId, folder, modulePath, log } = options;
  const clock = systemClock;
  const show = createShow(options.stdout);
  const isEnough = new AbortController();
  await using opened = new AsyncDisposableStack();
  const processing = await processingOf(modulePath, opened);
  const acknowledged = (ack: BlockAck, storedIn?: StoredTransfer): void => {
    show.block(ack);
    if (storedIn !== undefined) assembler?.stored(storedIn);
    if (receiver.counts.blocks >= options.blocksMax) isEnough.abort();
  };
  const receiver = new BlockReceiver({
    folder,
    machineId,
    quotaBytes: Infinity,
    clock,
    log,
    ...(processing === undefined ? {} : { process: (block) => processing.process(block) }),
    observer: { arrived() {}, acknowledged },
  });
  opened.defer(() => receiver.close());
  const assembler = options.assemble
    ? new Assembler({
        receiver,
        log,
        onFile: ({ size_bytes }, path) => show.file(path, size_bytes),
      })
    : undefined;
  opened.defer(() => assembler?.close());
  assembler?.look();
  const producer = source.producer();
  opened.defer(() => producer.close());
  const member = new LogMember({ source, producer, receiver, group, machineId, clock, log });
  await member.run(AbortSignal.any([stop, isEnough.signal]));
  // What is whole now is put together before the end.
  if (!stop.aborted) await assembler?.idle();
  const { user, system } = process.cpuUsage();
  const cpuMs = (user + system) / 1_000;
  const speeds = receivingSpeeds({ engine: receivingEngine, cpuMs }, receiver.done);
  show.summary(receiver.counts, member.malformed, speeds);
}

async function processingOf(
  modulePath: string | undefined,
  opened: AsyncDisposableStack,
): Promise<Processing | undefined> {
  if (modulePath === undefined) return undefined;
  const processing = new Processing({ modulePath });
  opened.defer(() => processing.close());
  await processing.start();
  return processing;
}
