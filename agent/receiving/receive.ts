/** Receives files from a log until it is stopped: what it needs is opened, and closed again in reverse. */
import { Assembler } from '../../blocks/receiving/assemble.ts';
import { LogMember } from '../../blocks/receiving/log-member.ts';
import { receivingEngine } from '../../blocks/receiving/part-file.ts';
import { Processing } from '../../blocks/receiving/processing/processing.ts';
import type { StoredTransfer } from '../../blocks/receiving/received-index.ts';
import { BlockReceiver } from '../../blocks/receiving/receiver.ts';
import { systemClock } from '../../runtime/clock.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { aborted } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { BlockAck } from '../../wire/records/block-ack.ts';
import type { Log } from '../../wire/transport/log/port.ts';
import { MemberReplaced } from '../../wire/transport/log/replaced.ts';
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

/**
 * @returns whether all went well: no file is left that could not be put together
 * @throws WindrowError when the folder or the module cannot be used, or the group never be joined
 */
export async function receiveFiles(options: ReceiveOptions, stop: AbortSignal): Promise<boolean> {
  const { source, group, machineId, folder, modulePath, log } = options;
  const clock = systemClock;
  const show = createShow(options.stdout);
  const isEnough = new AbortController();
  await using opened = new AsyncDisposableStack();
  const processing = modulePath === undefined ? undefined : new Processing({ modulePath });
  const acknowledged = (ack: BlockAck, storedIn?: StoredTransfer): void => {
    show.block(ack);
    if (storedIn !== undefined) assembler?.stored(storedIn);
    if (receiver.counts.blocks >= options.blocksMax) isEnough.abort();
  };
  const receiver = new BlockReceiver({
    folder,
    folderSetting: '--out',
    machineId,
    quotaBytes: Infinity,
    clock,
    log,
    ...(processing === undefined ? {} : { process: (block) => processing.process(block) }),
    observer: { arrived() {}, acknowledged },
  });
  opened.defer(() => receiver.close());
  // Before the receiver, which waits for what is being done with its blocks.
  opened.defer(() => processing?.close());
  await processing?.start();
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
  const giveUp = async (): Promise<void> => processing?.close();
  const member = new LogMember({
    source,
    producer,
    receiver,
    group,
    machineId,
    giveUp,
    clock,
    log,
  });
  await member.run(AbortSignal.any([stop, isEnough.signal])).catch(tellName);
  // What is whole now is put together before the end.
  await Promise.race([assembler?.idle(), aborted(stop)]);
  const { user, system } = process.cpuUsage();
  const cpuMs = (user + system) / 1_000;
  const speeds = receivingSpeeds({ engine: receivingEngine, cpuMs }, receiver.done);
  const notAssembled = assembler?.failed ?? 0;
  show.summary({ ...receiver.counts, malformed: member.malformed, notAssembled }, speeds);
  return notAssembled === 0;
}

function tellName(error: unknown): never {
  if (!(error instanceof MemberReplaced)) throw error;
  throw new WindrowError('config', error.message, {
    hint: 'Give each receiver of a group a name of its own: --machine-id.',
    cause: error,
  });
}
